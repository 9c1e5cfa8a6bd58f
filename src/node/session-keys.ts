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
import { AwaitedRead, AwaitedWrite, errorOf, RunningOperation } from './awaited-operations.ts';
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
  readonly #undecided = new SlotCounts();
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
    return this.#undecided.size > 0;
  }

  /**
   * Whether a command on this key has to wait for an earlier operation of this connection on its slot: it must see an
   * earlier write, must not be seen by an earlier read, and must not read something older than an earlier read does.
   */
  mustWait(key: Buffer): boolean {
    return this.#undecided.has(slotOf(key));
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
    const { db, readCount } = this.#connection;
    return { kind: 'read', db, slot, key, need: readCount, wantsValue };
  }

  #writeOf(key: Buffer, mutation: Mutation): KeyOperation {
    const { db, readCount, writeCount } = this.#connection;
    return { kind: 'write', db, slot: slotOf(key), key, mutation, need: writeCount, readNeed: readCount };
  }

  /** Runs one operation; while it is undecided its slot is closed to commands that must not overtake it. */
  #run(operation: KeyOperation, sink: OutcomeSink): void {
    const running = new RunningOperation(this.#undecided, operation.slot, sink, this.#onProgress);
    this.#runner.run(this.#connection.keyspace!, operation, running);
    running.isAwaited = true;
  }

  /**
   * Runs several operations for one reply: the first that fails is the reply's error. So many are under way at a time
   * that a command with a million keys leaves room for others; all their slots are closed from the start.
   */
  #runAll(operations: readonly KeyOperation[], project: (reply: ReplyWriter, outcomes: Outcome[]) => void): void {
    const pending = this.#replies.defer();
    const outcomes: Outcome[] = new Array(operations.length);
    const keyspace = this.#connection.keyspace!;
    let next = 0;
    let underWay = 0;
    let isIssuing = false;
    const issue = (): void => {
      isIssuing = true;
      while (next < operations.length && underWay < MAX_UNDER_WAY) {
        underWay++;
        this.#runner.run(keyspace, operations[next]!, running[next]!);
        running[next++]!.isAwaited = true;
      }
      isIssuing = false;
      if (underWay === 0) this.#conclude(pending, outcomes, project);
    };
    const running = operations.map((operation, i) => {
      const complete = (outcome: Outcome): void => {
        outcomes[i] = detach(outcome, operation);
        underWay--;
        if (!isIssuing) issue();
      };
      return new RunningOperation(this.#undecided, operation.slot, { complete }, this.#onProgress);
    });
    issue();
  }

  #conclude(
    pending: PendingReply,
    outcomes: Outcome[],
    project: (reply: ReplyWriter, outcomes: Outcome[]) => void,
  ): void {
    const failed = outcomes.find(each => each.status === 'unavailable' || each.status === 'refused');
    pending.fill(reply => {
      if (failed === undefined) project(reply, outcomes);
      else reply.error(errorOf(failed));
    });
  }
}

/** Operations of one command under way at a time. */
const MAX_UNDER_WAY = 1024;

const replyOk: WriteReply = reply => reply.ok();

/** An outcome to keep until the others are there: what it found is good only now. */
function detach(outcome: Outcome, operation: KeyOperation): Outcome {
  if (outcome.status !== 'read' || outcome.found === undefined) return outcome;
  const wantsValue = operation.kind === 'read' && operation.wantsValue;
  return { status: 'read', found: DetachedFound.copyOf(outcome.found, wantsValue) };
}
