import type { AntiEntropy } from './anti-entropy.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { ReplicationContext } from './replication-context.ts';

/** Slots that are dropped in one tick. */
const DROPPED_AT_ONCE = 256;

/**
 * What this node still holds of slots that it no longer owns. It is offered to the owners before it is dropped (DESIGN §4): to one
 * of them, over and over, until a whole offer finds that the owner lacks nothing of it. That one passes it on to the others.
 *
 * While there is any, no tombstone is collected: something here may be older than one, and unknown to the owners.
 */
export class Leftovers {
  readonly #context: ReplicationContext;
  readonly #antiEntropy: AntiEntropy;
  /** Slots to be offered. */
  readonly #waiting = new Map<Keyspace, Set<number>>();
  /** Slots that were offered and are to be dropped. */
  #offered: [Keyspace, number][] = [];
  readonly #underWay = new Set<Keyspace>();
  /** Who was offered something last: another comes next, lest a slot that one does not take keeps others waiting. */
  readonly #lastTaker = new Map<Keyspace, Peer>();
  /** Which ring an offer was made by: what comes of one that was made by an earlier says nothing. */
  #ring = 0;

  constructor(context: ReplicationContext, antiEntropy: AntiEntropy) {
    this.#context = context;
    this.#antiEntropy = antiEntropy;
  }

  /** Whether anything is left, in whatever keyspace. */
  get any(): boolean {
    return this.#waiting.size > 0 || this.#offered.length > 0;
  }

  /** Slots that have not been dropped. */
  get slots(): number {
    let slots = this.#offered.length;
    for (const waiting of this.#waiting.values()) slots += waiting.size;
    return slots;
  }

  ringChanged(): void {
    this.#ring++;
    this.#waiting.clear();
    this.#offered = [];
    this.#underWay.clear();
    // Who is no member is nobody's peer any more.
    if (!this.#context.peers.includes(this.#context.here)) return;
    for (const keyspace of this.#context.keyspaces.values()) {
      const slots = leftIn(keyspace);
      if (slots.size > 0) this.#waiting.set(keyspace, slots);
    }
  }

  tick(): void {
    for (const keyspace of this.#waiting.keys()) if (!this.#underWay.has(keyspace)) this.#offer(keyspace);
    if (this.#offered.length > 0) this.#drop();
  }

  #offer(keyspace: Keyspace): void {
    const waiting = this.#waiting.get(keyspace)!;
    const [peer, slots] = bestTaker(keyspace, waiting, this.#lastTaker.get(keyspace));
    if (peer === undefined) return;
    this.#lastTaker.set(keyspace, peer);
    this.#underWay.add(keyspace);
    const ring = this.#ring;
    this.#antiEntropy.offer(keyspace, peer, Uint16Array.from(slots), wanted => {
      if (ring !== this.#ring) return;
      this.#underWay.delete(keyspace);
      if (wanted === undefined) return;
      for (const slot of slots) if (!wanted.has(slot)) this.#moveOn(keyspace, slot);
    });
  }

  /** The owner has all that is here. */
  #moveOn(keyspace: Keyspace, slot: number): void {
    const waiting = this.#waiting.get(keyspace)!;
    waiting.delete(slot);
    if (waiting.size === 0) this.#waiting.delete(keyspace);
    this.#offered.push([keyspace, slot]);
  }

  #drop(): void {
    for (const [{ store }, slot] of this.#offered.splice(-DROPPED_AT_ONCE))
      this.#context.counters.recordsHandedOver += store.dropSlot(slot);
  }
}

function leftIn({ store, placement }: Keyspace): Set<number> {
  return new Set(store.slots.alsoIn(placement.foreignSlots));
}

/** The whole owner that can take most of the slots, and which; the last one only if there is no other. */
function bestTaker(
  { placement }: Keyspace,
  waiting: ReadonlySet<number>,
  last: Peer | undefined,
): [Peer | undefined, readonly number[]] {
  const counts = new Map<Peer, number>();
  for (const slot of waiting) {
    for (const peer of placement.replicasOf(slot)) counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  let best: Peer | undefined;
  for (const [peer, count] of counts) {
    if (peer.isSelf || !peer.reachable || peer.refilling) continue;
    const isBetter = best === undefined || best === last || (peer !== last && count > counts.get(best)!);
    if (isBetter) best = peer;
  }
  if (best === undefined) return [undefined, []];
  return [best, [...waiting].filter(slot => placement.replicasOf(slot).includes(best))];
}
