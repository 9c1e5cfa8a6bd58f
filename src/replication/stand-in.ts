import { NO_STAMP, type Stamp } from '../clock/hybrid-clock.ts';
import type { StandInRequest } from './hint-messages.ts';
import type { Hints } from './hints.ts';
import type { Keyspace } from './keyspace.ts';
import type { Peer } from './peer.ts';
import { absorb, isOfThisEpoch, type ReplicationContext } from './replication-context.ts';
import { stampOf } from './versions.ts';

/** A member that is asked to keep records for replicas that cannot be reached (sloppy keyspaces). */
export class StandIn {
  readonly #context: ReplicationContext;
  readonly #hints: Hints;
  #vouchedStamp: Stamp = NO_STAMP;

  constructor(context: ReplicationContext, hints: Hints) {
    this.#context = context;
    this.#hints = hints;
  }

  /**
   * This node is about to tell a fence what it keeps (`Coordinator.leastUndeliveredStamp`), and the asker will collect
   * tombstones up to `stamp`. A request that is still on its way here could bring something older, which no answer of
   * this node or of its coordinator speaks of; so from now on such a request is answered `behind`, and stamped again.
   */
  vouch(stamp: Stamp): void {
    this.#vouchedStamp = Math.max(this.#vouchedStamp, stamp);
    this.#context.stamps.observe(stamp);
  }

  /** Whether records of the keyspace are kept for others, whatever the asker's configuration says. */
  mayStandIn(keyspace: Keyspace): boolean {
    return keyspace.policy.sloppy;
  }

  /** Where there is no room, or the record is stamped too far ahead, the answer is silence: the coordinator asks the next. */
  onRequest(from: Peer, request: StandInRequest, slot: number): void {
    const { id, epoch, db, key, record, replicas } = request;
    const keyspace = this.#context.keyspaces.get(db);
    const peers = keyspace === undefined || !this.mayStandIn(keyspace) ? [] : peersOf(keyspace, slot, replicas);
    if (keyspace === undefined || !isOfThisEpoch(this.#context, from, epoch) || peers.length === 0) {
      this.#context.counters.misdirected++;
      return;
    }
    const stamp = stampOf(record);
    if (record.dot.stamp <= this.#vouchedStamp) return this.#answerBehind(from, id, this.#vouchedStamp);
    if (this.#context.guard.isTooFarAhead(stamp) || !this.#hints.mayKeep(keyspace, key, record.value)) return;
    const outcome = absorb(this.#context, from, keyspace, slot, key, record);
    if (outcome === 'held') return;
    this.#hints.keep(keyspace, slot, keyspace.store.hashOf(key), record.dot.stamp, peers);
    if (outcome === 'behind') return this.#answerBehind(from, id, keyspace.greatestStamp(slot, key));
    keyspace.durability.whenAcknowledged(() => {
      this.#context.send(from, this.#context.messages.encodeReplicated({ id, status: 'stored', stamp }));
    });
  }

  #answerBehind(to: Peer, id: number, stamp: Stamp): void {
    this.#context.send(to, this.#context.messages.encodeReplicated({ id, status: 'behind', stamp }));
  }
}

/** The replicas that a request names; none where this node is a replica itself. */
function peersOf({ placement }: Keyspace, slot: number, bits: number): readonly Peer[] {
  if (placement.isWrittenHere(slot)) return [];
  return placement.writersOf(slot).filter((_, i) => (bits & (1 << i)) !== 0);
}
