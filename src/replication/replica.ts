import { type MergeOutcome, NO_RECORD } from '../store/record-store.ts';
import type { HintHandover, HintMessages } from './hint-messages.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { ReplicaRead, ReplicaReadReply, Replicate, Replicated } from './replica-messages.ts';
import { absorb, admits, type ReplicationContext } from './replication-context.ts';
import { announce } from './transfer-time.ts';
import { isSameVersion, isVersion, stampOf, versionHeld } from './versions.ts';

/** The replica's side of reads and writes: it stores what it is sent and says what it holds (DESIGN §5). */
export class Replica {
  readonly #context: ReplicationContext;
  readonly #hintMessages: HintMessages;

  constructor(context: ReplicationContext, hintMessages: HintMessages) {
    this.#context = context;
    this.#hintMessages = hintMessages;
  }

  /** @returns false when it comes too early: at the epoch that it carries the slot may be this node's. */
  onReplicate(from: Peer, message: Replicate, slot: number): boolean {
    const keyspace = this.#keyspaceOf(from, message);
    if (keyspace?.placement.takesWrites(slot, message.epoch) === true) this.#store(from, keyspace, message, slot);
    else if (this.#isEarly(message)) return false;
    else {
      this.#context.counters.misdirected++;
      this.#supersedeLeftover(from, message, slot);
    }
    return true;
  }

  /** @returns false when it comes too early: at the epoch that it carries the slot may be this node's. */
  onRead(from: Peer, message: ReplicaRead, slot: number): boolean {
    const keyspace = this.#keyspaceOf(from, message);
    if (keyspace?.takesReads(slot, message.epoch) === true) this.#answer(from, keyspace, message, slot);
    else if (this.#isEarly(message)) return false;
    else this.#context.counters.misdirected++;
    return true;
  }

  #store(from: Peer, keyspace: Keyspace, message: Replicate, slot: number): void {
    const outcome = absorb(this.#context, from, keyspace, slot, message.key, message.record);
    if (outcome === 'held') return;
    if (message.id === 0) this.#offerNewer(from, keyspace, slot, message, outcome);
    else this.#acknowledge(from, keyspace, slot, message, outcome);
  }

  #answer(from: Peer, keyspace: Keyspace, message: ReplicaRead, slot: number): void {
    const { store } = keyspace;
    const ref = store.find(slot, store.hashOf(message.key), message.key);
    const held = versionHeld(store, ref);
    const status = held === undefined ? 'absent' : isSameVersion(held, message.known) ? 'same' : 'record';
    const refilling = keyspace.refill.isPending(slot);
    const { id } = message;
    const reply = { id, refilling, status, record: status === 'record' ? store.read(ref) : undefined } as const;
    // Where a read is told only what enough replicas hold, this is a word that it is held.
    if (keyspace.policy.readRepair === 'async' || keyspace.durability.mayAcknowledge) this.#reply(from, reply);
    else keyspace.durability.whenAcknowledged(() => this.#reply(from, reply));
  }

  #reply(to: Peer, reply: ReplicaReadReply): void {
    announce(this.#context, to, 'read', reply.id, reply.record?.value?.length ?? 0);
    this.#context.send(to, this.#context.messages.encodeReadReply(reply));
  }

  /** A peer hands over what it could not send when it was written; what is older than what is held is handed over too. */
  onHint(from: Peer, message: HintHandover, slot: number): void {
    const { id, key, record } = message;
    const keyspace = this.#keyspaceOf(from, message);
    if (keyspace?.placement.takesWrites(slot, message.epoch) !== true) return void this.#context.counters.misdirected++;
    if (absorb(this.#context, from, keyspace, slot, key, record) === 'held') return;
    keyspace.durability.whenKept(() => this.#context.send(from, this.#hintMessages.encodeHinted(id)));
  }

  /** An owner has something newer than what it was offered (`leftovers.ts`): then it lacks nothing of it. */
  #supersedeLeftover(from: Peer, { id, db, key, record }: Replicate, slot: number): void {
    const keyspace = this.#context.keyspaces.get(db);
    if (id !== 0 || keyspace === undefined || keyspace.placement.isWrittenHere(slot)) return;
    const { store } = keyspace;
    const hash = store.hashOf(key);
    if (store.find(slot, hash, key) === NO_RECORD) return;
    if (admits(this.#context, from, keyspace, slot, key, record)) store.merge(slot, hash, key, record);
  }

  /** That something greater is held counts as much for an expiry, so it waits for the disk as well. */
  #acknowledge(from: Peer, keyspace: Keyspace, slot: number, message: Replicate, outcome: MergeOutcome): void {
    const { id, key, record } = message;
    const isBehind = outcome === 'behind';
    const status = isBehind ? 'behind' : keyspace.refill.isPending(slot) ? 'refilling' : 'stored';
    const stamp = isBehind ? keyspace.greatestStamp(slot, key) : stampOf(record);
    // Without a closure where nothing is waited for.
    if (keyspace.durability.mayAcknowledge) this.#sendReplicated(from, { id, status, stamp });
    else keyspace.durability.whenAcknowledged(() => this.#sendReplicated(from, { id, status, stamp }));
  }

  #sendReplicated(to: Peer, replicated: Replicated): void {
    this.#context.send(to, this.#context.messages.encodeReplicated(replicated));
  }

  /** Nobody waits for an answer, but a coordinator that is behind is itself a stale replica, be it only the expiry that is newer here. */
  #offerNewer(from: Peer, keyspace: Keyspace, slot: number, { key, record }: Replicate, outcome: MergeOutcome): void {
    if (outcome === 'stored') return;
    const { store } = keyspace;
    const ref = store.find(slot, store.hashOf(key), key);
    if (ref === NO_RECORD || isVersion(record, versionHeld(store, ref))) return;
    const { messages, epoch } = this.#context;
    this.#context.counters.readRepairs++;
    this.#context.send(from, messages.encodeReplicate(0, epoch, keyspace.db, key, store.read(ref)));
  }

  #isEarly({ epoch }: { epoch: number }): boolean {
    return epoch > this.#context.epoch;
  }

  #keyspaceOf(from: Peer, { epoch, db }: { epoch: number; db: number }): Keyspace | undefined {
    if (epoch !== this.#context.epoch) this.#context.sawEpoch(from, epoch);
    return this.#context.keyspaces.get(db);
  }
}
