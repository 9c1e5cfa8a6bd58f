import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const STOP_TIMEOUT_MS = 5000;
/** Makes the kernel end a child with its parent, however that went; part of every Debian. */
const SETPRIV = '/usr/bin/setpriv';

const running = new Set<ChildProcess>();

/** Nothing stays behind: not after the end, not after an error, not after a signal. */
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(status));
}

/** A server under test, listening on a port of the loopback interface. */
export class ServerProcess {
  readonly name: string;
  readonly port: number;
  /** What it has written, line by line. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  constructor(name: string, port: number, command: string, args: readonly string[]) {
    this.name = name;
    this.port = port;
    const [file, argv] = existsSync(SETPRIV)
      ? [SETPRIV, ['--pdeathsig', 'KILL', command, ...args]]
      : [command, [...args]];
    // The settings of whoever runs the benchmark are not the benchmark's.
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('COTERIE_')));
    this.#child = spawn(file, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(this.#child);
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', line => this.lines.push(line));
    }
    this.#ended = new Promise(resolve => {
      this.#child.on('error', () => {});
      this.#child.on('close', () => {
        running.delete(this.#child);
        resolve();
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined || this.hasEnded) throw new Error(`${this.name} is not running:\n${this.lines.join('\n')}`);
    return pid;
  }

  get hasEnded(): boolean {
    return !running.has(this.#child);
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** Ends it, by force when it takes long. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
