import type { Stamp } from '../clock/hybrid-clock.ts';
import type { Log } from '../ports/log.ts';
import type { HintJournal } from './hint-journal.ts';
import { dbOf, type Hint, HintQueue, hashOfHint, MAX_GROWTH_BYTES, slotOfHint, toHint } from './hint-queue.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { ReplicationContext } from './replication-context.ts';
import { recordsUnder } from './slot-pages.ts';

export interface HintOptions {
  /** Memory for all hints of the node, records kept as a stand-in included. */
  readonly maxBytes: number;
  /** How long a hint waits for its peer; after that anti-entropy has to bring what it stood for. */
  readonly maxAgeMs: number;
  /** Records a second that the node hands over, to all peers together. */
  readonly replayRate: number;
}

/** Blocks of hints that one tick judges or drops, and records kept for others that it takes up anew: some ms. */
const BLOCKS_AT_ONCE = 4;
const KEPT_AT_ONCE = 1_000;

/** What a record of average size takes beside its key and value. */
const RECORD_OVERHEAD_BYTES = 96;

/**
 * The hints of a node (DESIGN §5): for each peer, the keys whose newest record it could not be sent.
 *
 * - On a replica a hint is a note, not a copy: what is handed over is the record that the replica holds by then, so a
 *   hint never puts anything older over something newer, and a key that was written a thousand times is sent once.
 * - On a stand-in (sloppy keyspaces) the record is kept too, apart from the node's own (`Keyspace.kept`), until every peer
 *   that it is kept for has it.
 *
 * What is dropped, because there is too much or it is too old, is counted and said, and the peer is owed a round of
 * anti-entropy. What a stand-in drops may be gone for good: hence it refuses to keep more rather than drop what it has
 * acknowledged, and only age ends it.
 */
export class Hints {
  readonly #context: ReplicationContext;
  readonly #options: HintOptions;
  readonly #log: Log;
  readonly #queues = new Map<Peer, HintQueue>();
  /** Of each record kept for others, by its hint: how many queues and handovers it is in. */
  #kept = new Map<Hint, number>();
  /** The same of former rings: to be kept anew for those who are sent their slots' writes now. */
  readonly #keptBefore: Map<Hint, number>[] = [];
  #leastKeptStamp: Stamp = Number.POSITIVE_INFINITY;
  /** Peers for which hints were dropped since their queue was last empty. */
  readonly #owedRound = new Set<Peer>();
  /** Records were refused since one was last let go. */
  #refusing = false;
  readonly #hasten: (peer: Peer) => void;
  #journal: HintJournal | undefined;

  /** @param hasten calls for a round of anti-entropy with a peer. */
  constructor(context: ReplicationContext, options: HintOptions, log: Log, hasten: (peer: Peer) => void) {
    this.#context = context;
    this.#options = options;
    this.#log = log;
    this.#hasten = hasten;
  }

  /** From now on the journal is told which hints there are. */
  tell(journal: HintJournal): void {
    this.#journal = journal;
  }

  /**
   * Takes up what a former process of this node has left: the peer was owed this for so long already. What is older than this process
   * counts as noted at its start. What was kept for others is taken up by `keep`.
   *
   * @returns whether it was.
   */
  restore(peer: Peer, hint: Hint, ageSeconds: number): boolean {
    const keyspace = this.#context.keyspaces.get(dbOf(hint));
    if (keyspace?.placement.isWrittenHere(slotOfHint(hint)) !== true || !this.#isOnDisk(hint)) return false;
    this.#queueOf(peer).add(hint, Math.max(0, this.#nowSeconds() - ageSeconds));
    return true;
  }

  /** Hints that wait for their peers. */
  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.size;
    return size;
  }

  /** Memory that they take, records kept for others included. */
  get byteLength(): number {
    let bytes = 0;
    for (const queue of this.#queues.values()) bytes += queue.byteLength;
    for (const keyspace of this.#context.keyspaces.values()) bytes += keyspace.keptBytes;
    return bytes;
  }

  /** Whether any record is kept for others that this node is no replica of. */
  get keepsAny(): boolean {
    return this.#kept.size > 0 || this.#keptBefore.length > 0;
  }

  /** Not above the stamp of any record that is kept for others; +Infinity when none is. */
  get leastKeptStamp(): Stamp {
    return this.#leastKeptStamp;
  }

  /** The peers that wait for hints, and the hints of each. */
  get queues(): ReadonlyMap<Peer, HintQueue> {
    return this.#queues;
  }

  /** Names of the peers that are owed the key's record. */
  peersOwed(keyspace: Keyspace, slot: number, hash: number): readonly string[] {
    const hint = toHint(keyspace.db, slot, hash);
    const isOwed = (peer: Peer) => this.#kept.has(hint) || this.#isOwed(peer, hint);
    return [...this.#queues].filter(([peer, queue]) => queue.has(hint) && isOwed(peer)).map(([peer]) => peer.name);
  }

  /** The peer could not be sent what this node holds of the key. */
  note(peer: Peer, keyspace: Keyspace, slot: number, hash: number): void {
    const hint = toHint(keyspace.db, slot, hash);
    const queue = this.#queueOf(peer);
    if (!queue.isFull || queue.hasLately(hint) || this.#hasRoom(MAX_GROWTH_BYTES)) {
      return this.#add(peer, hint, !keyspace.placement.isWrittenHere(slot));
    }
    this.#context.counters.hintsOverflowed++;
    this.#oweRound(peer, 'too many');
  }

  /** Whether this node, no replica of the key, has room to keep a record for those that are. */
  mayKeep(keyspace: Keyspace, key: Uint8Array, value: Uint8Array | undefined): boolean {
    const recordBytes = key.length + (value?.length ?? 0) + RECORD_OVERHEAD_BYTES;
    if (this.#hasRoom(recordBytes + keyspace.placement.replicaCount * MAX_GROWTH_BYTES)) return true;
    this.#context.counters.hintsOverflowed++;
    if (!this.#refusing)
      this.#log.warn('no room to keep more for replicas that cannot be reached', { keyspace: keyspace.policy.name });
    this.#refusing = true;
    return false;
  }

  /** Keeps what has just come into `Keyspace.kept`, as `mayKeep` has allowed, until these peers have it. */
  keep(keyspace: Keyspace, slot: number, hash: number, stamp: Stamp, peers: readonly Peer[]): void {
    this.#leastKeptStamp = Math.min(this.#leastKeptStamp, stamp);
    const hint = toHint(keyspace.db, slot, hash);
    for (const peer of peers) this.#add(peer, hint, true);
  }

  /**
   * The ring has changed. What is kept is kept for those who own its slot now, this node perhaps among them; notes about records of this
   * node's own go with its slots (`leftovers.ts`), and are void for whoever is sent its writes no more. There may be
   * millions, so `tick` sees to them little by little.
   */
  ringChanged(): void {
    for (const [peer, queue] of this.#queues) {
      if (this.#context.peers.includes(peer)) queue.doubt();
      else {
        this.#queues.delete(peer);
        this.#journal?.forgotten(peer.name);
      }
    }
    if (this.#kept.size > 0) this.#keptBefore.push(this.#kept);
    this.#kept = new Map();
  }

  /** Puts back a hint that was taken out and not handed over. */
  putBack(peer: Peer, hint: Hint, second: number): void {
    this.#queueOf(peer).add(hint, second);
  }

  /** A hint that was taken out is done with: handed over, or void. One that has been noted anew meanwhile waits on. */
  release(peer: Peer, hint: Hint): void {
    if (this.#queues.get(peer)?.hasLately(hint) !== true) this.#end(peer, hint);
    this.#unkeep(hint);
  }

  #unkeep(hint: Hint): void {
    const references = this.#kept.get(hint);
    if (references === undefined) return;
    if (references > 1) this.#kept.set(hint, references - 1);
    else this.#forget(hint);
  }

  /** Drops what is too old, and sees that peers get the rounds that they are owed. */
  tick(): void {
    this.#keepSomeAnew();
    let left = BLOCKS_AT_ONCE;
    for (const [peer, queue] of this.#queues) {
      while (left > 0 && queue.judge(hint => this.#judge(peer, hint))) left--;
      while (left > 0 && this.#expireSome(peer, queue)) left--;
      if (queue.size === 0) this.#queues.delete(peer);
    }
    for (const peer of this.#owedRound) {
      if (!peer.reachable || this.#queues.has(peer)) continue;
      this.#owedRound.delete(peer);
      this.#hasten(peer);
    }
  }

  #add(peer: Peer, hint: Hint, isKept: boolean): void {
    const queue = this.#queueOf(peer);
    if (queue.hasLately(hint)) return;
    queue.add(hint, this.#nowSeconds());
    if (this.#isOnDisk(hint)) this.#journal?.noted(peer.name, hint);
    this.#context.counters.hintsNoted++;
    if (isKept) this.#kept.set(hint, (this.#kept.get(hint) ?? 0) + 1);
  }

  #expireSome(peer: Peer, queue: HintQueue): boolean {
    const oldest = this.#nowSeconds() - this.#options.maxAgeMs / 1000;
    return queue.dropOlderThan(oldest, hint => {
      this.release(peer, hint);
      this.#context.counters.hintsExpired++;
      this.#oweRound(peer, 'too old');
    });
  }

  #oweRound(peer: Peer, reason: string): void {
    if (this.#owedRound.has(peer)) return;
    this.#owedRound.add(peer);
    this.#log.warn('hints were dropped: anti-entropy will bring what they stood for', { node: peer.name, reason });
  }

  /** Whether the peer is to be handed what this node has under the hint, and has it as one who is sent the slot's writes. */
  #isOwed(peer: Peer, hint: Hint): boolean {
    const slot = slotOfHint(hint);
    const { placement } = this.#context.keyspaces.get(dbOf(hint))!;
    return placement.isWrittenHere(slot) && placement.writersOf(slot).includes(peer);
  }

  #judge(peer: Peer, hint: Hint): boolean {
    const isOwed = this.#isOwed(peer, hint);
    if (!isOwed) this.#end(peer, hint);
    return isOwed;
  }

  #end(peer: Peer, hint: Hint): void {
    if (this.#isOnDisk(hint)) this.#journal?.ended(peer.name, hint);
  }

  /** Of records in memory a hint is of no use to another process. */
  #isOnDisk(hint: Hint): boolean {
    return this.#context.keyspaces.get(dbOf(hint))?.durability.isKept === true;
  }

  #keepSomeAnew(): void {
    const before = this.#keptBefore[0];
    if (before === undefined) return;
    let left = KEPT_AT_ONCE;
    for (const hint of before.keys()) {
      if (left-- === 0) return;
      before.delete(hint);
      this.#keepAnew(hint);
    }
    this.#keptBefore.shift();
    if (!this.keepsAny) this.#forgetAll();
  }

  #keepAnew(hint: Hint): void {
    const keyspace = this.#context.keyspaces.get(dbOf(hint))!;
    const slot = slotOfHint(hint);
    const hash = hashOfHint(hint);
    if (!keyspace.placement.isWrittenHere(slot)) {
      for (const peer of keyspace.placement.writersOf(slot)) this.#add(peer, hint, true);
      return;
    }
    for (const { key, record } of recordsUnder(keyspace.kept, slot, [hash])) {
      keyspace.store.merge(slot, hash, key, record);
      keyspace.kept.remove(slot, hash, key);
    }
  }

  /** Removes what is kept under a hint: no peer waits for it any more. */
  #forget(hint: Hint): void {
    this.#kept.delete(hint);
    if (this.#keptBefore.some(before => before.has(hint))) return;
    this.#refusing = false;
    const { kept } = this.#context.keyspaces.get(dbOf(hint))!;
    const slot = slotOfHint(hint);
    const hash = hashOfHint(hint);
    for (const { key } of recordsUnder(kept, slot, [hash])) kept.remove(slot, hash, key);
    if (!this.keepsAny) this.#forgetAll();
  }

  #forgetAll(): void {
    this.#leastKeptStamp = Number.POSITIVE_INFINITY;
    for (const keyspace of this.#context.keyspaces.values()) keyspace.forgetKept();
  }

  #queueOf(peer: Peer): HintQueue {
    let queue = this.#queues.get(peer);
    if (queue === undefined) {
      queue = new HintQueue();
      this.#queues.set(peer, queue);
    }
    return queue;
  }

  #hasRoom(moreBytes: number): boolean {
    return this.byteLength + moreBytes <= this.#options.maxBytes;
  }

  #nowSeconds(): number {
    return Math.floor(this.#context.clock.monotonicMs() / 1000);
  }
}
