import type { Stamp } from '../clock/hybrid-clock.ts';
import { type ReplicaCount, resolveCount } from '../lib/replica-count.ts';
import type { Found, OutcomeSink } from '../store/outcome.ts';
import { READ_NOTHING } from '../store/outcome.ts';
import { StoredFound } from '../store/stored-found.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import { DetachedFound } from './detached-found.ts';
import type { Keyspace } from './keyspace.ts';
import type { ReadOfKey } from './operation.ts';
import type { Peer } from './peer.ts';
import { ReadQuorum } from './quorum.ts';
import type { ReplicaReadReply } from './replica-messages.ts';
import { absorbAnswer, firstOperationId, type ReplicationContext } from './replication-context.ts';
import { transferMs } from './transfer-time.ts';
import { isSameVersion, type KnownVersion, versionHeld, versionOf } from './versions.ts';
import type { WriteCoordinator } from './write-coordinator.ts';

/**
 * How thoroughly to look.
 *
 * - `value`: R answers; at R=1 a replica that has nothing asks all others before it says nil.
 * - `removal`: before a DEL, which may only be left out when every replica said that it has nothing live: R answers, and
 *   then on until one has a live value or all have answered.
 */
export type ReadPurpose = 'value' | 'removal';

/**
 * What a read came to, told to whoever began it. When it is `found` the newest version is in this node's store; when the slot has
 * `moved`, and this node owns it no more, another has to read.
 */
export interface ReadResult {
  readonly status: 'found' | 'moved' | 'unavailable';
  readonly reason: string;
  /** Whether every replica of the key has answered, itself included. */
  readonly everyReplicaAnswered: boolean;
  /** After a blocking repair: what R replicas hold by now. This node's store may have gone on meanwhile. */
  readonly repaired?: { readonly found: Found | undefined };
}

export type ReadContinuation = (result: ReadResult) => void;

interface PendingRead {
  readonly keyspace: Keyspace;
  readonly slot: number;
  readonly hash: number;
  readonly key: Uint8Array;
  /** The owners that are asked. */
  owners: readonly Peer[];
  readonly purpose: ReadPurpose;
  readonly done: ReadContinuation;
  readonly startedMs: number;
  /** R as it was asked for. */
  readonly count: ReplicaCount;
  quorum: ReadQuorum;
  /** Bit i: replica i of the preference list has been asked, has answered. */
  asked: number;
  answered: number;
  /** Bit i: replica i has answered and is refilling: what it holds counts no more than its answer. */
  refilling: number;
  /** What this node holds when the read begins, as all replicas are told, and what replica i then said that it holds. */
  readonly known: KnownVersion | undefined;
  held: (KnownVersion | undefined)[];
  lastSentMs: number;
  /** What a large value on its way adds to every wait. */
  transferMs: number;
}

const FOUND_BY_ALL: ReadResult = { status: 'found', reason: '', everyReplicaAnswered: true };
const FOUND: ReadResult = { status: 'found', reason: '', everyReplicaAnswered: false };
const MOVED: ReadResult = { status: 'moved', reason: 'the slot has moved', everyReplicaAnswered: false };

/**
 * The coordinator's side of a read (DESIGN §5): R answers, the newest by the order of records (never a vote on bytes),
 * and the stale replicas repaired behind the reply. Every record that arrives is merged into this replica's own store,
 * so the newest version is simply what the store holds when enough have answered.
 *
 * Where the policy says `blocking`, a read at R≥2 is answered only when R replicas hold what it found, and while the slot moves R on
 * each side: soon reads go to the other. Without that a read may find a write which was never acknowledged, and the next one, at
 * other replicas, may not.
 */
export class ReadCoordinator {
  readonly #context: ReplicationContext;
  readonly #pending: DeadlineQueue<PendingRead>;
  readonly #found = new StoredFound();
  readonly #writes: WriteCoordinator;

  constructor(context: ReplicationContext, writes: WriteCoordinator) {
    this.#context = context;
    this.#writes = writes;
    this.#pending = new DeadlineQueue(firstOperationId(context));
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Reads for a client: the sink gets the live value, or that there is none. @param moved is called instead when another has to read. */
  readFor(keyspace: Keyspace, { slot, key, need }: ReadOfKey, sink: OutcomeSink, moved: () => void): void {
    this.read(keyspace, slot, key, need, 'value', result => {
      if (result.status === 'moved') return moved();
      if (result.status === 'unavailable') return sink.complete({ status: 'unavailable', reason: result.reason });
      const found = result.repaired === undefined ? this.liveHere(keyspace, slot, key) : result.repaired.found;
      sink.complete(found === undefined ? READ_NOTHING : { status: 'read', found });
    });
  }

  /** The key's live value in this node's store; the object is reused by the next call. */
  liveHere(keyspace: Keyspace, slot: number, key: Uint8Array): StoredFound | undefined {
    const store = keyspace.storeOf(slot);
    const ref = store.find(slot, store.hashOf(key), key);
    if (ref === 0 || !store.isLive(ref, this.#context.clock.wallMs())) return undefined;
    return this.#found.at(store, ref);
  }

  /** Brings the newest version that `count` replicas know of into this node's store. */
  read(
    keyspace: Keyspace,
    slot: number,
    key: Uint8Array,
    count: ReplicaCount,
    purpose: ReadPurpose,
    done: ReadContinuation,
  ): void {
    const { clock, limits, counters } = this.#context;
    const replicas = keyspace.placement.replicasOf(slot);
    const need = resolveCount(count, replicas.length);
    const hash = keyspace.store.hashOf(key);
    const ref = keyspace.store.find(slot, hash, key);
    const read: PendingRead = {
      keyspace,
      slot,
      hash,
      key,
      owners: replicas,
      known: versionHeld(keyspace.store, ref),
      purpose,
      done,
      startedMs: clock.monotonicMs(),
      count,
      quorum: new ReadQuorum(need),
      asked: 0,
      answered: 0,
      refilling: 0,
      held: new Array(replicas.length),
      lastSentMs: 0,
      transferMs: 0,
    };
    this.#answerHere(read);
    if (this.#isFinished(read)) return this.#finish(read);
    const possible = read.quorum.answered + replicas.filter(peer => !peer.isSelf && peer.alive).length;
    if (possible < need) return this.#giveUp(read, `${possible} of ${need} replicas can answer`);
    if (this.#pending.size >= limits.maxPendingOperations) {
      return this.#giveUp(read, `${this.#pending.size} reads are waiting for replicas`);
    }
    if (read.quorum.reached) counters.missesAsked++;
    else counters.quorumReads++;
    const id = this.#pending.add(read);
    if (!read.quorum.reached) this.#ask(read, id, need - read.quorum.answered);
    this.#settle(read, id);
  }

  onReadReply(from: Peer, reply: ReplicaReadReply): void {
    const read = this.#pending.get(reply.id);
    if (read === undefined) return;
    const { keyspace, slot, key } = read;
    const index = read.owners.indexOf(from);
    const bit = 1 << index;
    if (index < 0 || (read.answered & bit) !== 0) return;
    if (reply.record !== undefined && !absorbAnswer(this.#context, from, keyspace, slot, key, reply.record)) return;
    read.answered |= bit;
    if (reply.refilling) read.refilling |= bit;
    read.quorum.add(reply.refilling);
    read.held[index] = reply.status === 'same' ? read.known : reply.record && versionOf(reply.record);
    this.#settle(read, reply.id);
  }

  /** The ring has changed: where a slot has other owners those are asked; where this node is none any more, others have to. */
  ringChanged(): void {
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (read, id) => {
      const { keyspace, slot, owners } = read;
      const now = keyspace.placement.replicasOf(slot);
      if (now.length === owners.length && now.every((peer, i) => peer === owners[i])) return;
      if (!keyspace.placement.isHeldHere(slot)) {
        this.#pending.remove(id);
        return read.done(MOVED);
      }
      read.owners = now;
      read.held = new Array(now.length);
      read.asked = 0;
      read.answered = 0;
      read.refilling = 0;
      read.quorum = new ReadQuorum(resolveCount(read.count, now.length));
      this.#answerHere(read);
      if (!read.quorum.reached) this.#ask(read, id, read.quorum.need - read.quorum.answered);
      this.#settle(read, id);
    });
  }

  /** A replica is sending a large value for this read: it is not silent, only slow. */
  onComing(id: number, bytes: number): void {
    const read = this.#pending.get(id);
    if (read !== undefined) read.transferMs = Math.max(read.transferMs, transferMs(bytes));
  }

  /** Asks further replicas where answers are slow, and gives up what has waited too long. */
  tick(): void {
    const { clock, limits, counters } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#pending.forEachOlderThan(nowMs, limits.resendAfterMs, (read, id) => {
      // What it waits for may have come another way: as a write, or in another's answer.
      if (this.#isFinished(read)) {
        this.#pending.remove(id);
        return this.#finish(read);
      }
      const patienceMs = limits.requestTimeoutMs + read.transferMs;
      if (nowMs - read.startedMs >= patienceMs) {
        this.#pending.remove(id);
        if (read.quorum.reached) return this.#finish(read);
        const { answered, need } = read.quorum;
        return this.#giveUp(read, `${answered} of ${need} replicas answered in ${patienceMs} ms`);
      }
      if (nowMs - read.lastSentMs < limits.resendAfterMs + read.transferMs) return;
      counters.resends++;
      read.asked = read.answered;
      this.#ask(read, id, Number.POSITIVE_INFINITY);
    });
  }

  #answerHere(read: PendingRead): void {
    const self = read.owners.findIndex(peer => peer.isSelf);
    read.asked |= 1 << self;
    read.answered |= 1 << self;
    read.quorum.add(read.keyspace.refill.isPending(read.slot));
  }

  /** Sends the question to the next `count` replicas that have not been asked, live ones that are whole first. */
  #ask(read: PendingRead, id: number, count: number): void {
    const { messages, epoch, clock } = this.#context;
    const { keyspace, key, known } = read;
    const message = messages.encodeRead(id, epoch, keyspace.db, key, known);
    read.lastSentMs = clock.monotonicMs();
    const replicas = read.owners;
    let left = count;
    for (const wholeOnes of [true, false]) {
      for (let i = 0; i < replicas.length && left > 0; i++) {
        const peer = replicas[i]!;
        const worthwhile = peer.reachable && !peer.refilling;
        if ((read.asked & (1 << i)) !== 0 || worthwhile !== wholeOnes) continue;
        if (!this.#context.send(peer, message)) continue;
        read.asked |= 1 << i;
        left--;
      }
    }
  }

  /** Ends a read that knows enough. Where R answers are not enough, the replicas that were spared are asked too. */
  #settle(read: PendingRead, id: number): void {
    if (this.#isFinished(read)) {
      this.#pending.remove(id);
      this.#finish(read);
    } else if (read.quorum.reached) {
      this.#ask(read, id, Number.POSITIVE_INFINITY);
    }
  }

  #isFinished(read: PendingRead): boolean {
    if (!read.quorum.reached) return false;
    const { keyspace, slot, hash, key } = read;
    if (read.purpose === 'removal') {
      if (this.liveHere(keyspace, slot, key) !== undefined) return true;
    } else if (read.quorum.need > 1 || keyspace.store.find(slot, hash, key) !== 0) {
      return true;
    }
    return read.owners.every((peer, i) => (read.answered & (1 << i)) !== 0 || !peer.reachable);
  }

  #finish(read: PendingRead): void {
    if (this.#mustRepairFirst(read)) return this.#repairFirst(read);
    const newest = this.#newestHere(read);
    read.done(this.#everyReplicaAnswered(read) ? FOUND_BY_ALL : FOUND);
    // Where the reader has gone on to write, the replicas have been sent something newer still.
    if (newest !== undefined && newest === this.#newestHere(read)) this.#repair(read);
  }

  #mustRepairFirst(read: PendingRead): boolean {
    const { keyspace, slot, hash, key, count, quorum } = read;
    if (keyspace.policy.readRepair !== 'blocking' || quorum.need === 1) return false;
    if (this.#writes.heldBy(keyspace, slot, count, this.#holdersOf(read)).reached) return false;
    return keyspace.store.find(slot, hash, key) !== 0;
  }

  /** What was found is brought to R replicas on each side before it is told to anybody. */
  #repairFirst(read: PendingRead): void {
    const { keyspace, slot, key, count, startedMs } = read;
    const found = this.liveHere(keyspace, slot, key);
    const repaired = { found: found && DetachedFound.copyOf(found, true) };
    this.#context.counters.blockingRepairs++;
    const waitedMs = this.#context.clock.monotonicMs() - startedMs;
    this.#writes.spread(keyspace, slot, key, count, this.#holdersOf(read), waitedMs, {
      complete: outcome => {
        const everyReplicaAnswered = this.#everyReplicaAnswered(read);
        if (outcome.status === 'written') return read.done({ ...FOUND, everyReplicaAnswered, repaired });
        const reason = outcome.status === 'unavailable' ? outcome.reason : 'the disk of a replica takes nothing';
        read.done({ status: 'unavailable', reason, everyReplicaAnswered });
      },
    });
  }

  /** Bit i: replica i, another than this one, is whole and has answered with what is the newest version now. */
  #holdersOf({ keyspace, slot, hash, key, owners, answered, refilling, held }: PendingRead): number {
    const newest = versionHeld(keyspace.store, keyspace.store.find(slot, hash, key));
    let holders = 0;
    for (const [i, peer] of owners.entries()) {
      const counts = !peer.isSelf && (answered & ~refilling & (1 << i)) !== 0;
      if (counts && isSameVersion(newest, held[i])) holders |= 1 << i;
    }
    return holders;
  }

  #everyReplicaAnswered({ owners, answered }: PendingRead): boolean {
    return answered === 2 ** owners.length - 1;
  }

  #newestHere({ keyspace, slot, hash, key }: PendingRead): Stamp | undefined {
    const ref = keyspace.store.find(slot, hash, key);
    return ref === 0 ? undefined : keyspace.store.newestStampOf(ref);
  }

  #giveUp(read: PendingRead, reason: string): void {
    this.#context.counters.unavailable++;
    read.done({ status: 'unavailable', reason, everyReplicaAnswered: false });
  }

  /** Sends the newest version to the replicas that answered with an older one or with none. */
  #repair(read: PendingRead): void {
    const { keyspace, slot, hash, key } = read;
    const ref = keyspace.store.find(slot, hash, key);
    const newest = versionHeld(keyspace.store, ref);
    for (let i = 0; i < read.owners.length; i++) {
      const peer = read.owners[i]!;
      if (peer.isSelf || (read.answered & (1 << i)) === 0 || isSameVersion(newest, read.held[i])) continue;
      this.#context.counters.readRepairs++;
      const { messages, epoch } = this.#context;
      this.#context.send(peer, messages.encodeReplicate(0, epoch, keyspace.db, key, keyspace.store.read(ref)));
    }
  }
}
