#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { clusterCommand } from './cli/cluster.ts';
import { Failure } from './cli/failure.ts';
import { startCommand } from './cli/start.ts';
import { statusCommand } from './cli/status.ts';
import { packageVersion } from './io/package-version.ts';

/** Exit statuses: 0 done, 1 something failed, 2 wrongly called or configured. */
const WRONGLY_CALLED = 2;

const program = new Command('coterie')
  .description('A distributed, replicated key-value store that speaks the Redis protocol.')
  .version(packageVersion(), '-v, --version');

for (const command of [startCommand(), clusterCommand(), statusCommand()]) program.addCommand(command);
for (const command of [program, ...program.commands]) {
  command.exitOverride().configureOutput({ outputError: (text, write) => write(`coterie: ${inOneLine(text)}\n`) });
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : WRONGLY_CALLED;
  } else if (error instanceof Failure) {
    for (const line of error.lines) process.stderr.write(`coterie: ${line}\n`);
    process.exitCode = error.status;
  } else {
    throw error;
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
