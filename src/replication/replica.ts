import type { MergeOutcome } from '../store/record-store.ts';
import type { HintHandover, HintMessages } from './hint-messages.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import type { ReplicaRead, Replicate } from './replica-messages.ts';
import { absorb, type ReplicationContext } from './replication-context.ts';
import { announce } from './transfer-time.ts';
import { isSameVersion, stampOf, versionHeld } from './versions.ts';

/** The replica's side of reads and writes: it stores what it is sent and says what it holds (DESIGN §5). */
export class Replica {
  readonly #context: ReplicationContext;
  readonly #hintMessages: HintMessages;

  constructor(context: ReplicationContext, hintMessages: HintMessages) {
    this.#context = context;
    this.#hintMessages = hintMessages;
  }

  onReplicate(from: Peer, message: Replicate, slot: number): void {
    const keyspace = this.#keyspaceFor(message.epoch, message.db, slot);
    if (keyspace === undefined) return;
    const outcome = absorb(this.#context, from, keyspace, slot, message.key, message.record);
    if (outcome === 'held') return;
    if (message.id === 0) this.#offerNewer(from, keyspace, slot, message.key, outcome);
    else this.#acknowledge(from, keyspace, slot, message, outcome);
  }

  onRead(from: Peer, message: ReplicaRead, slot: number): void {
    const keyspace = this.#keyspaceFor(message.epoch, message.db, slot);
    if (keyspace === undefined) return;
    const { store } = keyspace;
    const ref = store.find(slot, store.hashOf(message.key), message.key);
    const held = versionHeld(store, ref);
    const status = held === undefined ? 'absent' : isSameVersion(held, message.known) ? 'same' : 'record';
    const refilling = keyspace.refill.isRefilling(slot);
    const { id } = message;
    const sent = status === 'record' ? store.read(ref) : undefined;
    announce(this.#context, from, 'read', id, sent?.value?.length ?? 0);
    this.#context.send(from, this.#context.messages.encodeReadReply({ id, refilling, status, record: sent }));
  }

  /** A peer hands over what it could not send when it was written; what is older than what is held is handed over too. */
  onHint(from: Peer, { id, epoch, db, key, record }: HintHandover, slot: number): void {
    const keyspace = this.#keyspaceFor(epoch, db, slot);
    if (keyspace === undefined) return;
    if (absorb(this.#context, from, keyspace, slot, key, record) === 'held') return;
    this.#context.send(from, this.#hintMessages.encodeHinted(id));
  }

  #acknowledge(from: Peer, keyspace: Keyspace, slot: number, message: Replicate, outcome: MergeOutcome): void {
    const { messages } = this.#context;
    const { id, key, record } = message;
    if (outcome === 'behind') {
      const stamp = keyspace.greatestStamp(slot, key);
      this.#context.send(from, messages.encodeReplicated({ id, status: 'behind', stamp }));
      return;
    }
    const status = keyspace.refill.isRefilling(slot) ? 'refilling' : 'stored';
    this.#context.send(from, messages.encodeReplicated({ id, status, stamp: stampOf(record) }));
  }

  /** Nobody waits for an answer, but a coordinator that is behind is itself a stale replica. */
  #offerNewer(from: Peer, keyspace: Keyspace, slot: number, key: Buffer, outcome: MergeOutcome): void {
    if (outcome !== 'behind') return;
    const { store } = keyspace;
    const ref = store.find(slot, store.hashOf(key), key);
    const { messages, epoch } = this.#context;
    this.#context.counters.readRepairs++;
    this.#context.send(from, messages.encodeReplicate(0, epoch, keyspace.db, key, store.read(ref)));
  }

  #keyspaceFor(epoch: number, db: number, slot: number): Keyspace | undefined {
    const keyspace = this.#context.keyspaces.get(db);
    if (epoch === this.#context.epoch && keyspace?.placement.isHeldHere(slot)) return keyspace;
    this.#context.counters.misdirected++;
    return undefined;
  }
}
