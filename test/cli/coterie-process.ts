import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../src/cli/program.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const DEADLINE_MS = 20_000;

/** The command line under test in a process of its own, and everything it has written. */
export class CoterieProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('COTERIE_'));
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise(resolve => {
      this.child.on('close', (status, signal) => resolve({ status, signal }));
    });
  }

  /** Settles when standard output matches; fails when the process ends first, or after a deadline. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => fail('in time'), DEADLINE_MS);
      const look = () => {
        const match = pattern.exec(this.stdout);
        if (match === null) return;
        clearTimeout(deadline);
        this.child.stdout!.off('data', look);
        resolve(match);
      };
      const fail = (when: string) => {
        clearTimeout(deadline);
        reject(new Error(`${pattern} was not printed ${when}:\n${this.stdout}\n${this.stderr}`));
      };
      this.child.stdout!.on('data', look);
      this.child.once('close', () => {
        look();
        fail('before the end');
      });
      look();
    });
  }
}

/** Runs a subcommand in this process to its end, which is soon where it is wrongly called or only asks a question. */
export async function coterie(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  let [stdout, stderr] = ['', ''];
  const out = (text: string) => {
    stdout += text;
  };
  const err = (text: string) => {
    stderr += text;
  };
  const status = await runProgram(args, { env, out, err });
  return { status, stdout, stderr };
}

/** True while nothing listens there. */
function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}

/** The first of `count` ports in a row that are free, as are the bus ports 10,000 above them. */
export async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + (process.pid % 1000) * 10; first < 55_000; first += count) {
    const ports = Array.from({ length: count }, (_, index) => first + index);
    const free = await Promise.all(ports.flatMap(port => [isFree(port), isFree(port + 10_000)]));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports in a row');
}
