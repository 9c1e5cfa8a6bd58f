import type { DurabilityMode } from './policy.ts';

/** What keyspaces need of the disk of their node. */
export interface FlushPort {
  /** Why nothing more may be written: an error for clients. Undefined while all is well. */
  readonly refusal: string | undefined;
  /** Whether there is memory for what waits to be written. */
  readonly hasRoom: boolean;
  /** Whether everything that the node holds by now is durable. */
  readonly isClean: boolean;
  /** Calls back, later, when all that the node holds by now is durable; with false when that cannot be had for now. */
  flush(done: (isDurable: boolean) => void): void;
}

/**
 * What a keyspace's promises wait for (DESIGN §9). Two kinds of word are given about what this node holds:
 *
 * - An *acknowledgement* of a write. It waits for the disk where `durability` is `sync`.
 * - A word that lets others let go: of a tombstone, of a hint, of a slot that has moved. It waits for the disk wherever the keyspace has one: what
 *   `batched` may lose are the last moments before a crash, not what others have dropped because it was here.
 */
export class Durability {
  /** Whether acknowledgements wait for the disk. */
  readonly acknowledgesLate: boolean;
  readonly mode: DurabilityMode;
  readonly #disk: FlushPort | undefined;

  /** @param disk undefined where `mode` is `none`. */
  constructor(mode: DurabilityMode, disk: FlushPort | undefined) {
    this.mode = mode;
    this.acknowledgesLate = mode === 'sync';
    this.#disk = mode === 'none' ? undefined : disk;
  }

  /** Whether anything of the keyspace is on disk. */
  get isKept(): boolean {
    return this.#disk !== undefined;
  }

  /** Why nothing more may be written to the keyspace here: an error for clients. */
  get refusal(): string | undefined {
    return this.#disk?.refusal;
  }

  /** Whether what others hold may be taken in, though it may not get to the disk for now. */
  get hasRoom(): boolean {
    return this.#disk?.hasRoom ?? true;
  }

  /** Whether what is held may be acknowledged at once. */
  get mayAcknowledge(): boolean {
    return !this.acknowledgesLate || this.#disk!.isClean;
  }

  /** Acknowledges what is held by now, when that may be done. Where the disk fails, `acknowledge` is not called. */
  whenAcknowledged(acknowledge: () => void): void {
    if (this.mayAcknowledge) acknowledge();
    else this.#onceDurable(acknowledge);
  }

  /** Gives a word that lets others let go, when that may be done. Where the disk fails, `vouch` is not called. */
  whenKept(vouch: () => void): void {
    if (this.#disk === undefined || this.#disk.isClean) vouch();
    else this.#onceDurable(vouch);
  }

  /** Calls back when all that is held by now is durable, with false when it cannot be for now; at once where nothing is kept. */
  flush(done: (isDurable: boolean) => void): void {
    if (this.#disk === undefined) done(true);
    else this.#disk.flush(done);
  }

  #onceDurable(done: () => void): void {
    this.#disk!.flush(isDurable => {
      if (isDurable) done();
    });
  }
}

/** Everything is in memory only. */
export const IN_MEMORY = new Durability('none', undefined);
