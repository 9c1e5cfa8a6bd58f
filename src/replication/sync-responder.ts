import type { Keyspace } from './keyspace.ts';
import type { Encoded } from './message-type.ts';
import type { Peer } from './peer.ts';
import { isOfThisEpoch, type ReplicationContext } from './replication-context.ts';
import { answerPage, sizeOf } from './slot-pages.ts';
import { childOf, digestOf } from './sync-blocks.ts';
import type { ComparedBlock, SyncCompare, SyncMessages, SyncOpen, SyncPage } from './sync-messages.ts';
import { announce } from './transfer-time.ts';

/** What this node and a peer both hold of one keyspace. */
export interface SyncPair {
  readonly keyspace: Keyspace;
  readonly peer: Peer;
  /** The slots both hold, ascending; the same list at both ends, for it follows from the ring. Those that are offered, where they are. */
  readonly slots: Uint16Array;
  readonly isOffer?: boolean;
}

/**
 * The side of anti-entropy that is asked. Of rounds over what both hold it keeps nothing between two messages, of one that offers
 * only which slots it is about; so any may be lost, late or doubled.
 */
export class SyncResponder {
  readonly #context: ReplicationContext;
  readonly #messages: SyncMessages;
  readonly #pairOf: (peer: Peer, db: number) => SyncPair | undefined;
  /** The last round of each peer that offered slots, by keyspace. */
  readonly #offers = new Map<number, Map<Peer, { readonly round: number; readonly pair: SyncPair }>>();

  constructor(
    context: ReplicationContext,
    messages: SyncMessages,
    pairOf: (peer: Peer, db: number) => SyncPair | undefined,
  ) {
    this.#context = context;
    this.#messages = messages;
    this.#pairOf = pairOf;
  }

  /** A peer opens a round: say whether there is anything to do. */
  onOpen(from: Peer, { round, epoch, db, root, offered }: SyncOpen): void {
    if (!isOfThisEpoch(this.#context, from, epoch)) return;
    if (offered !== undefined) this.#noteOffer(from, round, db, offered);
    const pair = this.#pairFor(from, db, round);
    if (pair === undefined) return;
    const { keyspace, slots } = pair;
    const [low, high] = keyspace.store.digests.over(slots, 0, slots.length);
    const equal = low === root[0] && high === root[1];
    const refilling = keyspace.refill.slotsLeft > 0;
    const arriving = keyspace.arrivals.slotsLeft > 0;
    this.#tell(from, pair, () => this.#messages.encodeRoot({ round, db, refilling, arriving, equal }));
  }

  /** A peer shows the digests of some blocks' children: say which differ. */
  onCompare(from: Peer, { round, epoch, db, ask, blocks }: SyncCompare): void {
    const pair = this.#pairFor(from, db, round);
    if (pair === undefined || !isOfThisEpoch(this.#context, from, epoch)) return;
    const children = blocks.map(compared => differingChildren(pair, compared));
    this.#tell(from, pair, () => this.#messages.encodeDiffering({ round, db, ask, children }));
  }

  /** A peer tells what it has of a page: answer with what it lacks. */
  onPage(from: Peer, page: SyncPage): void {
    const keyspace = this.#context.keyspaces.get(page.db);
    if (keyspace === undefined || !isOfThisEpoch(this.#context, from, page.epoch)) return;
    if (!keyspace.placement.isWrittenHere(page.slot)) return;
    const reply = answerPage(keyspace.store, page);
    const valueBytes = reply.records.reduce((sum, { record }) => sum + (record.value?.length ?? 0), 0);
    announce(this.#context, from, 'page', page.round, valueBytes);
    for (const record of reply.records) this.#context.counters.syncBytes += sizeOf(record);
    const send = (): void => void this.#context.send(from, this.#messages.encodePageReply(reply));
    if (page.isOffer) keyspace.durability.whenKept(send);
    else send();
  }

  /** Who offers what it owns no more drops what it is told is held here. */
  #tell(to: Peer, { keyspace, isOffer }: SyncPair, encode: () => Encoded): void {
    const send = (): void => void this.#context.send(to, encode());
    if (isOffer === true) keyspace.durability.whenKept(send);
    else send();
  }

  /** The ring has changed: what was offered belongs to others now. */
  ringChanged(): void {
    this.#offers.clear();
  }

  /** A former owner offers what it still holds of slots that this node owns. */
  #noteOffer(peer: Peer, round: number, db: number, slots: Uint16Array): void {
    const keyspace = this.#context.keyspaces.get(db);
    if (keyspace === undefined || !slots.every(slot => keyspace.placement.isHeldHere(slot))) return;
    const offers = this.#offers.get(db) ?? new Map();
    this.#offers.set(db, offers.set(peer, { round, pair: { keyspace, peer, slots, isOffer: true } }));
  }

  #pairFor(peer: Peer, db: number, round: number): SyncPair | undefined {
    const offer = this.#offers.get(db)?.get(peer);
    return offer?.round === round ? offer.pair : this.#pairOf(peer, db);
  }
}

function differingChildren({ keyspace, slots }: SyncPair, { block, digests }: ComparedBlock): number {
  let differing = 0;
  for (const [i, [low, high]] of digests.entries()) {
    const [lowHere, highHere] = digestOf(keyspace.store, slots, childOf(block, i));
    if (low !== lowHere || high !== highHere) differing |= 1 << i;
  }
  return differing;
}
