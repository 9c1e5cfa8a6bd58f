import type {
  KeyAccess,
  KeyMutation,
  ReadReply,
  ReadsReply,
  WriteReply,
  WritesReply,
  Written,
} from '../commands/context.ts';
import { slotOf } from '../lib/slots.ts';
import type { Clock } from '../ports/clock.ts';
import { DetachedFound } from '../replication/detached-found.ts';
import type { Keyspace } from '../replication/keyspace.ts';
import type { KeyOperation } from '../replication/operation.ts';
import type { ReplyWriter } from '../resp/reply-writer.ts';
import type { Mutation } from '../store/mutation.ts';
import type { Outcome, OutcomeSink } from '../store/outcome.ts';
import { NEVER } from '../store/record.ts';
import { StoredFound } from '../store/stored-found.ts';
import type { ClientConnection } from './client-connection.ts';
import type { PendingReply, ReplyQueue } from './reply-queue.ts';
import { SlotCounts } from './slot-counts.ts';

/** What runs operations on keys: this node as a replica, or another one that is. */
export interface OperationRunner {
  run(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void;
  /** A plain SET where this node's acknowledgement suffices and it may coordinate; false when that is not so. */
  setHere(keyspace: Keyspace, slot: number, key: Buffer, value: Buffer): boolean;
}

/**
 * A connection's way to its keys. What this node can answer from its own store is answered before the call returns,
 * with no object made for it; everything else takes a place in the reply queue.
 */
export class SessionKeys implements KeyAccess {
  readonly #connection: ClientConnection;
  readonly #replies: ReplyQueue;
  readonly #runner: OperationRunner;
  readonly #clock: Clock;
  readonly #found = new StoredFound();
  /** Operations of this connection that are not decided: how many, by slot. */
  readonly #undecidedReads = new SlotCounts();
  readonly #undecidedWrites = new SlotCounts();
  readonly #onProgress: () => void;

  constructor(
    connection: ClientConnection,
    replies: ReplyQueue,
    runner: OperationRunner,
    clock: Clock,
    onProgress: () => void,
  ) {
    this.#connection = connection;
    this.#replies = replies;
    this.#runner = runner;
    this.#clock = clock;
    this.#onProgress = onProgress;
  }

  /** Whether any operation is undecided, so that `mustWait` is worth asking. */
  get hasUndecided(): boolean {
    return this.#undecidedWrites.size > 0 || this.#undecidedReads.size > 0;
  }

  /**
   * Whether a command on this key has to wait: for an earlier write to its slot, which it must see, and, if it writes
   * itself, for an earlier read, which must not see it.
   */
  mustWait(key: Buffer, isWrite: boolean): boolean {
    const slot = slotOf(key);
    return this.#undecidedWrites.has(slot) || (isWrite && this.#undecidedReads.has(slot));
  }

  read(key: Buffer, wantsValue: boolean, project: ReadReply): void {
    const keyspace = this.#connection.keyspace!;
    const slot = slotOf(key);
    if (this.#connection.readNeed === 1 && keyspace.answersAlone(slot)) {
      const { store } = keyspace;
      const ref = store.find(slot, store.hashOf(key), key);
      if (ref !== 0 && store.isLive(ref, this.#clock.wallMs())) {
        project(this.#replies.current, this.#found.at(store, ref));
        return;
      }
      if (ref !== 0 || keyspace.isSoleReplica) {
        project(this.#replies.current, undefined);
        return;
      }
    }
    const operation = this.#readOf(slot, key, wantsValue);
    this.#run(operation, new AwaitedRead(this.#replies.defer(), project));
  }

  readAll(keys: readonly Buffer[], wantsValue: boolean, project: ReadsReply): void {
    const operations = keys.map(key => this.#readOf(slotOf(key), key, wantsValue));
    this.#runAll(operations, (reply, outcomes) => {
      project(
        reply,
        outcomes.map(outcome => (outcome.status === 'read' ? outcome.found : undefined)),
      );
    });
  }

  set(key: Buffer, value: Buffer): void {
    const keyspace = this.#connection.keyspace!;
    const slot = slotOf(key);
    if (this.#connection.writeNeed === 1 && this.#runner.setHere(keyspace, slot, key, value)) {
      this.#replies.current.ok();
      return;
    }
    this.write(key, { kind: 'set', value, expiry: NEVER, condition: 'always', returnBefore: false }, replyOk);
  }

  write(key: Buffer, mutation: Mutation, project: WriteReply): void {
    this.#run(this.#writeOf(key, mutation), new AwaitedWrite(this.#replies.defer(), project));
  }

  writeAll(writes: readonly KeyMutation[], project: WritesReply): void {
    const operations = writes.map(({ key, mutation }) => this.#writeOf(key, mutation));
    this.#runAll(operations, (reply, outcomes) => project(reply, outcomes as readonly Written[]));
  }

  #readOf(slot: number, key: Buffer, wantsValue: boolean): KeyOperation {
    const { db, readNeed } = this.#connection;
    return { kind: 'read', db, slot, key, need: readNeed, wantsValue };
  }

  #writeOf(key: Buffer, mutation: Mutation): KeyOperation {
    const { db, readNeed, writeNeed } = this.#connection;
    return { kind: 'write', db, slot: slotOf(key), key, mutation, need: writeNeed, readNeed };
  }

  /** Runs one operation; while it is undecided its slot is closed to commands that must not overtake it. */
  #run(operation: KeyOperation, sink: OutcomeSink): void {
    const undecided = operation.kind === 'write' ? this.#undecidedWrites : this.#undecidedReads;
    const running = new RunningOperation(undecided, operation.slot, sink, this.#onProgress);
    this.#runner.run(this.#connection.keyspace!, operation, running);
    running.isAwaited = true;
  }

  /** Runs several operations for one reply: the first that fails is the reply's error. */
  #runAll(operations: readonly KeyOperation[], project: (reply: ReplyWriter, outcomes: Outcome[]) => void): void {
    const pending = this.#replies.defer();
    const outcomes: Outcome[] = new Array(operations.length);
    let left = operations.length;
    for (const [i, operation] of operations.entries()) {
      const complete = (outcome: Outcome): void => {
        outcomes[i] = detach(outcome, operation);
        left--;
        if (left > 0) return;
        const failed = outcomes.find(each => each.status === 'unavailable' || each.status === 'refused');
        pending.fill(reply => {
          if (failed === undefined) project(reply, outcomes);
          else reply.error(errorOf(failed));
        });
      };
      this.#run(operation, { complete });
    }
  }
}

/** An operation between its start and its outcome. Objects with their fields, not closures: quorum writes make many. */
class RunningOperation implements OutcomeSink {
  /** Whether the caller has gone on meanwhile, and has to be told of progress. */
  isAwaited = false;
  readonly #undecided: SlotCounts;
  readonly #slot: number;
  readonly #sink: OutcomeSink;
  readonly #onProgress: () => void;

  constructor(undecided: SlotCounts, slot: number, sink: OutcomeSink, onProgress: () => void) {
    this.#undecided = undecided;
    this.#slot = slot;
    this.#sink = sink;
    this.#onProgress = onProgress;
    undecided.add(slot);
  }

  complete(outcome: Outcome): void {
    this.#undecided.remove(this.#slot);
    this.#sink.complete(outcome);
    if (this.isAwaited) this.#onProgress();
  }
}

class AwaitedRead implements OutcomeSink {
  readonly #pending: PendingReply;
  readonly #project: ReadReply;

  constructor(pending: PendingReply, project: ReadReply) {
    this.#pending = pending;
    this.#project = project;
  }

  complete(outcome: Outcome): void {
    const reply = this.#pending.open();
    if (outcome.status === 'read') this.#project(reply, outcome.found);
    else reply.error(errorOf(outcome));
    this.#pending.close();
  }
}

class AwaitedWrite implements OutcomeSink {
  readonly #pending: PendingReply;
  readonly #project: WriteReply;

  constructor(pending: PendingReply, project: WriteReply) {
    this.#pending = pending;
    this.#project = project;
  }

  complete(outcome: Outcome): void {
    const reply = this.#pending.open();
    if (outcome.status === 'written') this.#project(reply, outcome);
    else reply.error(errorOf(outcome));
    this.#pending.close();
  }
}

const replyOk: WriteReply = reply => reply.ok();

function errorOf(outcome: Outcome): string {
  if (outcome.status === 'unavailable') return `UNAVAILABLE ${outcome.reason}`;
  return outcome.status === 'refused' ? outcome.error : 'ERR the operation had no outcome';
}

/** An outcome to keep until the others are there: what it found is good only now. */
function detach(outcome: Outcome, operation: KeyOperation): Outcome {
  if (outcome.status !== 'read' || outcome.found === undefined) return outcome;
  const wantsValue = operation.kind === 'read' && operation.wantsValue;
  return { status: 'read', found: DetachedFound.copyOf(outcome.found, wantsValue) };
}
