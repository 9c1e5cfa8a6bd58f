import type { Disk, DiskFailure } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import type { FlushPort } from '../../replication/durability.ts';

export interface NodeDiskOptions {
  /** Within so long what was put is durable, though nobody asks for it: half of that it waits for a flush, the rest is the disk's. */
  readonly flushIntervalMs: number;
  /** Bytes that may wait for the disk; above it writes are refused. */
  readonly maxPendingBytes: number;
}

/** Answers that may wait for a flush; beyond it writes are refused. */
const MAX_WAITING = 262_144;

/** How often a disk that failed is tried again. */
const RETRY_MS = 1_000;

/** When a node flushes its disk, and what it does when that fails. */
export class NodeDisk implements FlushPort {
  readonly #disk: Disk;
  readonly #options: NodeDiskOptions;
  readonly #log: Log;
  /** Monotonic: when what waits now is flushed at the latest. */
  #flushAtMs = Number.POSITIVE_INFINITY;
  #retryAtMs = 0;
  #isRetrying = false;
  /** Those who wait for a flush. */
  #waiting = 0;
  #toldOf: DiskFailure | undefined;
  #lastFlushWallMs: number;
  #isSaving = false;
  #lastSave: 'ok' | 'err' = 'ok';
  readonly #wallMs: () => number;

  constructor(disk: Disk, options: NodeDiskOptions, ports: { readonly log: Log; wallMs(): number }) {
    this.#disk = disk;
    this.#options = options;
    this.#log = ports.log;
    this.#wallMs = ports.wallMs;
    this.#lastFlushWallMs = ports.wallMs();
  }

  get refusal(): string | undefined {
    const { failure, pendingBytes } = this.#disk;
    if (failure !== undefined) return `MISCONF Errors writing to the data directory: ${failure.message}`;
    if (!this.hasRoom) return `UNAVAILABLE ${pendingBytes} bytes wait for the disk, more than disk-queue-limit allows`;
    return this.#waiting > MAX_WAITING ? `UNAVAILABLE ${this.#waiting} answers wait for the disk` : undefined;
  }

  get hasRoom(): boolean {
    return this.#disk.pendingBytes <= this.#options.maxPendingBytes;
  }

  get isClean(): boolean {
    return this.#disk.pendingBytes === 0;
  }

  /** Why the process must end: the disk can be opened anew by the next one only. */
  get lostBecause(): string | undefined {
    const { failure } = this.#disk;
    return failure?.kind === 'io' ? failure.message : undefined;
  }

  /** Unix milliseconds at which the last flush succeeded, or at which the disk was opened. */
  get lastFlushWallMs(): number {
    return this.#lastFlushWallMs;
  }

  get pendingChanges(): number {
    return this.#disk.pendingChanges;
  }

  /** Whether a save that nobody waits for is under way. */
  get isSaving(): boolean {
    return this.#isSaving;
  }

  /** How the last of those ended. */
  get lastSave(): 'ok' | 'err' {
    return this.#lastSave;
  }

  flush(done: (isDurable: boolean) => void): void {
    this.#waiting++;
    this.#disk.flush(failure => {
      this.#waiting--;
      this.#flushed(failure);
      done(failure === undefined);
    });
  }

  /** For clients: `done` gets an error for them when the disk fails. */
  save(done: (error: string | undefined) => void): void {
    this.flush(isDurable => done(isDurable ? undefined : (this.refusal ?? 'ERR the disk has failed')));
  }

  saveInBackground(): void {
    this.#isSaving = true;
    this.flush(isDurable => {
      this.#isSaving = false;
      this.#lastSave = isDurable ? 'ok' : 'err';
    });
  }

  /** Sees to it that nothing waits for longer than it may, and that a disk that failed is tried again. */
  tick(nowMs: number): void {
    const { failure, pendingBytes } = this.#disk;
    if (failure !== undefined) return this.#retry(nowMs, failure);
    if (pendingBytes === 0) this.#flushAtMs = Number.POSITIVE_INFINITY;
    else if (this.#flushAtMs === Number.POSITIVE_INFINITY) this.#flushAtMs = nowMs + this.#options.flushIntervalMs / 2;
    else if (nowMs >= this.#flushAtMs) {
      this.#flushAtMs = Number.POSITIVE_INFINITY;
      this.flush(() => {});
    }
  }

  #retry(nowMs: number, failure: DiskFailure): void {
    this.#tell(failure);
    if (this.#isRetrying || nowMs < this.#retryAtMs || failure.kind === 'io') return;
    this.#isRetrying = true;
    this.#disk.retry(again => {
      this.#isRetrying = false;
      this.#retryAtMs = nowMs + RETRY_MS;
      this.#flushed(again);
    });
  }

  #flushed(failure: DiskFailure | undefined): void {
    if (failure !== undefined) return this.#tell(failure);
    this.#lastFlushWallMs = this.#wallMs();
    if (this.#toldOf === undefined || this.#disk.failure !== undefined) return;
    this.#toldOf = undefined;
    this.#log.info('the data directory takes writes again');
  }

  #tell(failure: DiskFailure): void {
    if (this.#toldOf?.kind === failure.kind) return;
    this.#toldOf = failure;
    this.#log.error('cannot write to the data directory: writes are refused until that is mended', {
      reason: failure.message,
    });
  }
}
