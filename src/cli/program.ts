import { Command, CommanderError } from 'commander';
import { packageVersion } from '../io/package-version.ts';
import { backupCommand } from './backup.ts';
import { clusterCommand } from './cluster.ts';
import { Failure } from './failure.ts';
import { restoreCommand } from './restore.ts';
import type { Shell } from './shell.ts';
import { simulateCommand } from './simulate.ts';
import { startCommand } from './start.ts';
import { statusCommand } from './status.ts';

/** What a program that was wrongly called or configured exits with. */
const WRONGLY_CALLED = 2;

/** Runs the subcommand that `args` names to its end; the exit status. */
export async function runProgram(args: readonly string[], shell: Shell): Promise<number> {
  const program = new Command('coterie')
    .description('A distributed, replicated key-value store that speaks the Redis protocol.')
    .version(packageVersion(), '-v, --version');
  const commands = [
    startCommand(shell),
    clusterCommand(shell),
    statusCommand(shell),
    backupCommand(shell),
    restoreCommand(shell),
    simulateCommand(shell),
  ];
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: text => shell.out(text),
      writeErr: text => shell.err(text),
      outputError: text => shell.err(`coterie: ${inOneLine(text)}\n`),
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONGLY_CALLED;
    if (!(error instanceof Failure)) throw error;
    for (const line of error.lines) shell.err(`coterie: ${line}\n`);
    return error.status;
  }
}

/** Commander's message without its prefix and line breaks, nor what follows a `=`, which may be a password. */
function inOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/('--[\w-]+)=[^']*'/, "$1'")
    .replaceAll('\n', ' ');
}
