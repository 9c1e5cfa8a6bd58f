import type { TombstoneEntry } from './collection-messages.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { tombstonesFrom } from './tombstones.ts';

/** Tombstones of slots with the same replicas. */
export interface TombstoneGroup {
  readonly keyspace: Keyspace;
  readonly replicas: readonly Peer[];
  readonly entries: readonly TombstoneEntry[];
}

/** Slots with the same replicas, of which this node is the first. */
interface Stretch {
  readonly keyspace: Keyspace;
  readonly replicas: readonly Peer[];
  readonly slots: readonly number[];
}

/**
 * Rounds through the tombstones of the slots that this node is the first replica of, in small steps. A slot that has its
 * first tombstone after the round has begun waits for the next.
 */
export class TombstoneWalk {
  readonly #keyspaces: readonly Keyspace[];
  #stretches: readonly Stretch[] = [];
  #stretch = 0;
  /** Place in the stretch's slots. */
  #at = 0;
  #hash = 0;
  #entries: TombstoneEntry[] = [];

  constructor(keyspaces: Iterable<Keyspace>) {
    this.#keyspaces = [...keyspaces];
  }

  /** Whether the round has come to its end, or none was begun. */
  get isOver(): boolean {
    return this.#stretch >= this.#stretches.length;
  }

  /** Begins a round. */
  begin(): void {
    this.#stretches = this.#keyspaces.filter(({ placement }) => !placement.isAlone).flatMap(stretchesOf);
    this.#stretch = 0;
    this.#at = 0;
    this.#hash = 0;
    this.#entries = [];
  }

  /** Ends the round where it is. */
  stop(): void {
    this.#stretches = [];
    this.#stretch = 0;
    this.#entries = [];
  }

  /**
   * Goes on until it has looked at about `budget` records or found `limit` tombstones of one stretch.
   *
   * @returns those, or what a stretch had when it ended; undefined when there is nothing to hand over yet.
   */
  next(budget: number, limit: number): TombstoneGroup | undefined {
    let left = budget;
    while (left > 0 && !this.isOver) {
      const stretch = this.#stretches[this.#stretch]!;
      const slot = stretch.slots[this.#at];
      if (slot === undefined) {
        const group = this.#handOver(stretch);
        this.#stretch++;
        this.#at = 0;
        if (group !== undefined) return group;
      } else {
        left -= this.#lookOn(stretch.keyspace, slot, Math.min(left, limit));
        if (this.#entries.length >= limit) return this.#handOver(stretch);
      }
    }
    return undefined;
  }

  /** @returns how many records were looked at. */
  #lookOn({ store }: Keyspace, slot: number, limit: number): number {
    const { entries, nextHash, visited } = tombstonesFrom(store, slot, this.#hash, limit);
    this.#entries.push(...entries);
    this.#hash = Math.max(0, nextHash);
    if (nextHash < 0) this.#at++;
    return visited;
  }

  #handOver({ keyspace, replicas }: Stretch): TombstoneGroup | undefined {
    const entries = this.#entries;
    this.#entries = [];
    return entries.length === 0 ? undefined : { keyspace, replicas, entries };
  }
}

/** The slots that have tombstones now. */
function stretchesOf(keyspace: Keyspace): Stretch[] {
  const { store, placement } = keyspace;
  const slotsOf = new Map<readonly Peer[], number[]>();
  for (let slot = store.tombstoneSlotFrom(0); slot >= 0; slot = store.tombstoneSlotFrom(slot + 1)) {
    const replicas = placement.replicasOf(slot);
    if (!replicas[0]!.isSelf) continue;
    const slots = slotsOf.get(replicas);
    if (slots === undefined) slotsOf.set(replicas, [slot]);
    else slots.push(slot);
  }
  return [...slotsOf].map(([replicas, slots]) => ({ keyspace, replicas, slots }));
}
