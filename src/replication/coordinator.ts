import { nodeOfActor } from '../clock/actors.ts';
import type { Stamp } from '../clock/hybrid-clock.ts';
import { conditionHolds, needsRead } from '../store/mutation.ts';
import { type OutcomeSink, WRITTEN } from '../store/outcome.ts';
import { NO_RECORD } from '../store/record-store.ts';
import { DetachedFound } from './detached-found.ts';
import type { HintMessages } from './hint-messages.ts';
import type { Hints } from './hints.ts';
import type { Keyspace } from './keyspace.ts';
import { type KeyOperation, needsNoReplica, type WriteOfKey } from './operation.ts';
import { ReadCoordinator, type ReadResult } from './read-coordinator.ts';
import type { ReplicationContext } from './replication-context.ts';
import { StandInRequests } from './stand-in-requests.ts';
import { WriteCoordinator } from './write-coordinator.ts';

/** Hands an operation that has changed nothing yet to a node that may run it. */
export type HandOn = (keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink) => void;

/**
 * Runs clients' operations on keys that this node is a replica of. Only a replica coordinates (DESIGN §3), but in a
 * sloppy keyspace when none can be reached: then a stand-in does, with what it keeps for them.
 */
export class Coordinator {
  readonly reads: ReadCoordinator;
  readonly writes: WriteCoordinator;

  readonly #context: ReplicationContext;
  readonly #hints: Hints;
  readonly #handOn: HandOn;

  /** @param handOn takes what this node has begun to look at when it comes to own the slot no more. */
  constructor(context: ReplicationContext, hints: Hints, hintMessages: HintMessages, handOn: HandOn) {
    this.#context = context;
    this.#hints = hints;
    this.#handOn = handOn;
    this.writes = new WriteCoordinator(context, hints, new StandInRequests(context, hintMessages));
    this.reads = new ReadCoordinator(context, this.writes);
  }

  run(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    const reason = this.whyNot(keyspace, operation);
    if (reason !== undefined) {
      this.#context.counters.unavailable++;
      sink.complete({ status: 'unavailable', reason });
    } else if (!keyspace.placement.isHeldHere(operation.slot)) {
      this.#standIn(keyspace, operation, sink);
    } else if (operation.kind === 'read') {
      this.reads.readFor(keyspace, operation, sink, () => this.#handOn(keyspace, operation, sink));
    } else if (needsRead(operation.mutation)) {
      this.#readThenWrite(keyspace, operation, sink);
    } else {
      const { slot, key, mutation, need } = operation;
      this.writes.write(keyspace, slot, key, mutation, need, WRITTEN, sink);
    }
  }

  /** Why this node must leave the operation to another; undefined when it need not. */
  whyNot({ durability }: Keyspace, { kind }: KeyOperation): string | undefined {
    const { guard, actors, self } = this.#context;
    if (kind === 'read') return undefined;
    if (durability.refusal !== undefined) return `the disk of ${nodeOfActor(actors.nameOf(self))} takes nothing`;
    if (guard.stepsBack === undefined) return undefined;
    return `the clock of ${nodeOfActor(actors.nameOf(self))} ${guard.stepsBack}`;
  }

  /**
   * The least stamp of a record that this node may yet send and that does not come out of its own store: those of
   * undecided writes and those kept for others; +Infinity when there are none. A fence is answered with it (DESIGN §5, "Deletes stay deleted").
   */
  leastUndeliveredStamp(): Stamp {
    return Math.min(this.writes.leastPendingStamp, this.#hints.leastKeptStamp);
  }

  /** No replica can be reached: nothing is known of the key but what is kept here for them. */
  #standIn(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    if (operation.kind === 'read' || !needsNoReplica(operation)) {
      return sink.complete({ status: 'unavailable', reason: 'no replica is reachable to look at the key' });
    }
    const { slot, key, mutation, need } = operation;
    const applied = mutation.kind !== 'delete' || this.reads.liveHere(keyspace, slot, key) !== undefined;
    this.writes.write(keyspace, slot, key, mutation, need, { status: 'written', applied, before: undefined }, sink);
  }

  ringChanged(): void {
    this.reads.ringChanged();
    this.writes.ringChanged();
  }

  tick(): void {
    this.reads.tick();
    this.writes.tick();
  }

  /**
   * A conditional write looks first, with the R of its connection, then judges and stamps in one go: nothing comes
   * between on this coordinator. Between coordinators it is not atomic; that is what strong keyspaces are for. A DEL
   * in a sloppy keyspace deletes also where too few replicas can be asked, and answers by what is known here.
   */
  #readThenWrite(keyspace: Keyspace, operation: WriteOfKey, sink: OutcomeSink): void {
    const { slot, key, mutation, readNeed } = operation;
    const purpose = mutation.kind === 'delete' ? 'removal' : 'value';
    this.reads.read(keyspace, slot, key, readNeed, purpose, result => {
      // The wait for a blocking repair, too, may outlast this node's part in the slot: what is here by then says nothing.
      if (!keyspace.placement.isHeldHere(slot)) return this.#handOn(keyspace, operation, sink);
      const goesOn = result.status === 'found' || (keyspace.policy.sloppy && mutation.kind === 'delete');
      if (!goesOn) return sink.complete({ status: 'unavailable', reason: result.reason });
      const before = this.reads.liveHere(keyspace, slot, key);
      const applied = conditionHolds(mutation, before);
      const returnBefore = mutation.kind === 'set' && mutation.returnBefore;
      const kept = before && DetachedFound.copyOf(before, returnBefore);
      const outcome = { status: 'written', applied, before: kept } as const;
      if (!applied && !mustLeaveTombstone(keyspace, operation, result)) return sink.complete(outcome);
      this.writes.write(keyspace, slot, key, mutation, operation.need, outcome, sink);
    });
  }
}

/**
 * A DEL that found nothing is still a DEL, unless every replica said that it has nothing: a silent one may have it, and a stand-in,
 * which is not asked. A tombstone is not nothing: it may be one that too few have acknowledged, before a value that comes back when they are lost.
 */
function mustLeaveTombstone(
  { policy, store }: Keyspace,
  { slot, key, mutation }: WriteOfKey,
  result: ReadResult,
): boolean {
  if (mutation.kind !== 'delete') return false;
  return policy.sloppy || !result.everyReplicaAnswered || store.find(slot, store.hashOf(key), key) !== NO_RECORD;
}
