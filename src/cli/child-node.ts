import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { BusAddress } from '../ports/outbox.ts';
import type { Shell } from './shell.ts';
import { END_WITH_PARENT } from './start.ts';

/** How a child process ended. */
export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Makes the C library map each page of a store by itself, so that it goes back to the system (decision 0014). Bytes. */
const PAGE_SIZED = '1048576';
/**
 * V8 keeps what its young generation has grown to, and gains nothing by it here (decision 0014). And it has as many helper threads as the
 * machine has use for (0) instead of four (decision 0016).
 */
const NODE_FLAGS = ['--max-semi-space-size=16', '--v8-pool-size=0'];

/** A node of `coterie cluster` in a process of its own. Its lines come out under its name. */
export class ChildNode {
  readonly name: string;
  readonly client: BusAddress;
  /** The flags of `coterie start` that make this node. */
  readonly flags: readonly string[];
  /** Settles when the process has ended and its last line is out. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  #ending: Ending | undefined;

  constructor(name: string, client: BusAddress, flags: readonly string[], env: NodeJS.ProcessEnv, { out }: Shell) {
    this.name = name;
    this.client = client;
    this.flags = flags;
    const entry = process.argv[1]!;
    // The IPC channel carries no message: that it closes tells the child that this process is gone, however it went.
    const args = [...NODE_FLAGS, ...process.execArgv, entry, 'start', ...flags, `--${END_WITH_PARENT}`];
    this.#process = spawn(process.execPath, args, {
      env: { MALLOC_MMAP_THRESHOLD_: PAGE_SIZED, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line => {
        out(`${name} | ${line}\n`);
      });
    }
    this.ended = new Promise(resolve => {
      const end = (ending: Ending) => {
        this.#ending = ending;
        resolve(ending);
      };
      this.#process.on('error', () => end({ status: null, signal: null }));
      this.#process.on('close', (status, signal) => end({ status, signal }));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#ending === undefined;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal);
  }
}
