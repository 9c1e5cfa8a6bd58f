import { assert } from '../lib/assert.ts';
import { SLOT_COUNT } from '../lib/slots.ts';
import type { Ring } from '../ring/ring.ts';
import type { Peer } from './peer.ts';

/** Coordinators note who has answered in the bits of one integer. */
const MAX_REPLICAS = 31;

/** Members beyond the preference list that may be asked to stand in. */
const MAX_STAND_INS = 16;

/**
 * Who holds which slot in one keyspace at one ring epoch: the ring's preference lists, as the peers themselves.
 * Slots with the same list share one array, so a list is found by one look-up and nothing is allocated.
 */
export class Placement {
  /** min(N, members): how many replicas every slot has. */
  readonly replicaCount: number;
  readonly #lists: (readonly Peer[])[] = new Array(SLOT_COUNT);
  readonly #heldHere = new Uint8Array(SLOT_COUNT);
  readonly #ring: Ring;
  readonly #peers: readonly Peer[];
  readonly #standIns = new Map<number, readonly Peer[]>();

  /** @param peers the ring's members in the ring's order. */
  constructor(ring: Ring, peers: readonly Peer[], replicas: number) {
    this.replicaCount = Math.min(replicas, peers.length);
    assert(this.replicaCount <= MAX_REPLICAS, `Cannot place ${replicas} replicas: ${MAX_REPLICAS} is the most`);
    this.#ring = ring;
    this.#peers = peers;
    const table = ring.table(this.replicaCount);
    const shared = new Map<string, readonly Peer[]>();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const indexes = table.of(slot);
      const id = indexes.join();
      let list = shared.get(id);
      if (list === undefined) {
        list = indexes.map(index => peers[index]!);
        shared.set(id, list);
      }
      this.#lists[slot] = list;
      if (list.some(peer => peer.isSelf)) this.#heldHere[slot] = 1;
    }
  }

  /** The slot's preference list. */
  replicasOf(slot: number): readonly Peer[] {
    return this.#lists[slot]!;
  }

  /** The members that follow the slot's replicas on the ring and stand in for them, the nearest first; found when first asked for. */
  standInsOf(slot: number): readonly Peer[] {
    let list = this.#standIns.get(slot);
    if (list === undefined) {
      const most = Math.min(this.replicaCount + MAX_STAND_INS, MAX_REPLICAS);
      const indexes = this.#ring.replicasOf(slot, most).subarray(this.replicaCount);
      list = Array.from(indexes, index => this.#peers[index]!);
      this.#standIns.set(slot, list);
    }
    return list;
  }

  /** Whether this node is one of the slot's replicas. */
  isHeldHere(slot: number): boolean {
    return this.#heldHere[slot] === 1;
  }

  /** The slots that both this node and `peer` hold, ascending. */
  slotsSharedWith(peer: Peer): Uint16Array {
    const shared: number[] = [];
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (this.isHeldHere(slot) && this.replicasOf(slot).includes(peer)) shared.push(slot);
    }
    return Uint16Array.from(shared);
  }
}
