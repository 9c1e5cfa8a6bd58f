import type { Outcome, OutcomeSink } from '../store/outcome.ts';
import type { Coordinator } from './coordinator.ts';
import { DeadlineQueue } from './deadline-queue.ts';
import type { Declined, Forward, ForwardMessages, ForwardReply } from './forward-messages.ts';
import type { Keyspace } from './keyspace.ts';
import { type KeyOperation, needsNoReplica } from './operation.ts';
import type { Peer } from './peer.ts';
import { ReplayWindow } from './replay-window.ts';
import { firstOperationId, type ReplicationContext } from './replication-context.ts';
import { announce, transferMs } from './transfer-time.ts';

interface PendingForward {
  readonly keyspace: Keyspace;
  readonly operation: KeyOperation;
  readonly sink: OutcomeSink;
  readonly startedMs: number;
  /** The ring epoch whose candidates are tried. */
  readonly epoch: number;
  coordinator: Peer;
  /** Bit i: candidate i, a replica or behind them a stand-in, has been tried. */
  tried: number;
  /** Bit i: candidate i has said that it does nothing. */
  declining: number;
  lastSentMs: number;
  /** What a large value adds to every wait, on its way there or back. */
  transferMs: number;
  /** Why a coordinator that was asked has left it to another. */
  declined: string | undefined;
  /** A candidate has said that the slot is not its own, by the ring that it knows. */
  sawMove: boolean;
  /** And every other has done nothing either: the next epoch may tell more, or those who are behind catch up. */
  isStranded: boolean;
}

/**
 * Hands operations on keys that are not held here to a replica that coordinates them (DESIGN §3, §4).
 *
 * A read may be handed on to another replica at will. A write gets a second coordinator only when the first provably
 * never ran it: the link refused the message, or the first declined. Two coordinators would stamp one write twice, and
 * the second stamp could put it over a write that came between. When the coordinator falls silent the client is told
 * that the write may yet appear.
 *
 * In a sloppy keyspace, when no replica is reachable, what needs none goes to the next members on the ring that are,
 * this node perhaps among them: they stand in.
 */
export class Forwarder {
  readonly #context: ReplicationContext;
  readonly #coordinator: Coordinator;
  readonly #messages: ForwardMessages;
  readonly #pending: DeadlineQueue<PendingForward>;
  /** What has been run for each actor, the longest known first. */
  readonly #seen = new Map<string, ReplayWindow>();

  constructor(context: ReplicationContext, coordinator: Coordinator, messages: ForwardMessages) {
    this.#context = context;
    this.#pending = new DeadlineQueue(firstOperationId(context));
    this.#coordinator = coordinator;
    this.#messages = messages;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  forward(keyspace: Keyspace, operation: KeyOperation, sink: OutcomeSink): void {
    const { clock, counters, limits } = this.#context;
    if (this.#pending.size >= limits.maxPendingOperations) {
      return sink.complete({ status: 'unavailable', reason: `${this.#pending.size} operations are being forwarded` });
    }
    counters.forwarded++;
    const replicas = keyspace.placement.replicasOf(operation.slot);
    const startedMs = clock.monotonicMs();
    const coordinator = replicas[0]!;
    const pending = {
      keyspace,
      operation,
      sink,
      startedMs,
      epoch: this.#context.epoch,
      coordinator,
      tried: 0,
      declining: 0,
      lastSentMs: startedMs,
      transferMs: transferMs(bytesToCarry(operation) * replicas.length),
      declined: undefined,
      sawMove: false,
      isStranded: false,
    };
    this.#handOver(pending, this.#pending.add(pending));
  }

  /** A peer's operation: run it here, once, however many copies of it arrive. */
  onForward(from: Peer, message: Forward): void {
    const { id, operation } = message;
    if (!this.#isFirstCopy(message.actor, id)) {
      this.#context.counters.forwardCopiesDropped++;
      return;
    }
    const wantsValue = operation.kind === 'read' ? operation.wantsValue : wantsBefore(operation);
    const complete = (outcome: Outcome): void => {
      announce(this.#context, from, 'forward', id, wantsValue ? lengthOf(outcome) : 0);
      this.#context.send(from, this.#messages.encodeReply(id, outcome, wantsValue));
    };
    const keyspace = this.#context.keyspaces.get(operation.db);
    if (message.epoch !== this.#context.epoch) this.#context.sawEpoch(from, message.epoch);
    if (keyspace === undefined || !mayCoordinate(keyspace, operation)) {
      this.#context.counters.misdirected++;
      const reason = `slot ${operation.slot} has other owners at ring epoch ${this.#context.epoch}`;
      return this.#decline(from, id, { status: 'moved', reason });
    }
    const reason = this.#coordinator.whyNot(keyspace, operation);
    if (reason === undefined) this.#coordinator.run(keyspace, operation, { complete });
    else this.#decline(from, id, { status: 'declined', reason });
  }

  #decline(from: Peer, id: number, declined: Declined): void {
    this.#context.send(from, this.#messages.encodeReply(id, declined, false));
  }

  onForwardReply(from: Peer, { id, outcome }: ForwardReply): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    // Only a read has more than one coordinator, and any of their answers is as good.
    if (pending.operation.kind === 'write' && pending.coordinator !== from) return;
    if (outcome.status !== 'declined' && outcome.status !== 'moved') return this.#complete(id, pending, outcome);
    pending.declined = outcome.reason;
    if (outcome.status === 'moved') pending.sawMove = true;
    if (pending.epoch !== this.#context.epoch) return this.#beginAnew(pending, id);
    const index = candidatesFor(pending.keyspace, pending.operation).indexOf(from);
    if (index >= 0) pending.declining |= 1 << index;
    this.#handOver(pending, id);
  }

  /** A coordinator is sending a large value: it is not silent, only slow. */
  onComing(id: number, bytes: number): void {
    const pending = this.#pending.get(id);
    if (pending !== undefined) pending.transferMs = Math.max(pending.transferMs, transferMs(bytes));
  }

  /** The ring has changed: others may coordinate now. A write that was sent to one may be run there all the same. */
  ringChanged(): void {
    const waiting: [PendingForward, number][] = [];
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (pending, id) => waiting.push([pending, id]));
    for (const [pending, id] of waiting) {
      // What was handed on in the course of this very change is on its way to a present owner.
      if (pending.epoch === this.#context.epoch) continue;
      if (pending.operation.kind === 'read' || pending.isStranded) this.#beginAnew(pending, id);
    }
  }

  /** Tries all candidates of the present epoch, under a new number: none takes it for a copy of what it has declined. */
  #beginAnew(before: PendingForward, id: number): void {
    this.#pending.remove(id);
    const { epoch } = this.#context;
    const untried = { tried: 0, declining: 0, declined: undefined, sawMove: false, isStranded: false };
    const pending = { ...before, ...untried, epoch };
    this.#handOver(pending, this.#pending.add(pending));
  }

  /** The link to a peer broke: what it was to coordinate may or may not have reached it. */
  onLinkDown(peer: Peer): void {
    this.#pending.forEachOlderThan(Number.POSITIVE_INFINITY, 0, (pending, id) => {
      if (pending.coordinator !== peer) return;
      if (this.mayHaveSecondCoordinator(pending.operation)) this.#handOver(pending, id);
      else this.#complete(id, pending, this.#fateUnknown(pending, `coordinator ${peer.name} was lost`));
    });
  }

  /** Whether an operation that may have reached one coordinator may be given to another. */
  mayHaveSecondCoordinator(operation: KeyOperation): boolean {
    return operation.kind === 'read';
  }

  /** Hands slow reads on, tries again what nobody has taken, and gives up what has waited longer than its coordinator would. */
  tick(): void {
    const { clock, limits } = this.#context;
    const nowMs = clock.monotonicMs();
    this.#pending.forEachOlderThan(nowMs, limits.resendAfterMs, (pending, id) => {
      const patienceMs = limits.requestTimeoutMs + limits.resendAfterMs + pending.transferMs;
      if (nowMs - pending.startedMs >= patienceMs && pending.isStranded) {
        this.#complete(id, pending, { status: 'unavailable', reason: pending.declined! });
      } else if (pending.isStranded) {
        // Those who declined it may have been behind, and may have caught up.
        if (nowMs - pending.lastSentMs >= limits.resendAfterMs) this.#beginAnew(pending, id);
      } else if (nowMs - pending.startedMs >= patienceMs) {
        const reason = `coordinator ${pending.coordinator.name} did not answer in ${patienceMs} ms`;
        this.#complete(id, pending, this.#fateUnknown(pending, reason));
      } else if (
        this.mayHaveSecondCoordinator(pending.operation) &&
        nowMs - pending.lastSentMs >= limits.resendAfterMs + pending.transferMs
      ) {
        this.#handOver(pending, id);
      }
    });
  }

  /** Sends the operation to the best candidate that has not been tried. */
  #handOver(pending: PendingForward, id: number): void {
    const { keyspace, operation } = pending;
    const replicas = keyspace.placement.replicasOf(operation.slot);
    const message = this.#messages.encodeForward(
      id,
      this.#context.actors.nameOf(this.#context.self),
      this.#context.epoch,
      operation,
    );
    pending.lastSentMs = this.#context.clock.monotonicMs();
    const candidates = candidatesFor(keyspace, operation);
    for (const index of byMerit(candidates, replicas.length, operation.kind === 'write')) {
      if ((pending.tried & (1 << index)) !== 0) continue;
      pending.tried |= 1 << index;
      const candidate = candidates[index]!;
      if (candidate.isSelf) return this.#runHere(pending, id);
      if (!this.#context.send(candidate, message)) continue;
      pending.coordinator = candidate;
      return;
    }
    // A read that has been sent somewhere may still be answered; anything else has nowhere left to go.
    const asked = pending.tried & ~pending.declining;
    const waiting =
      operation.kind === 'read' && replicas.some((peer, i) => asked & (1 << i) && peer.linked && !peer.isSelf);
    if (waiting) return;
    pending.isStranded = pending.sawMove;
    if (pending.isStranded) return;
    const reason = pending.declined ?? `0 of ${replicas.length} replicas are reachable`;
    this.#complete(id, pending, { status: 'unavailable', reason });
  }

  /** This node is the best that is left: as a stand-in, or because the slot has come to be its own. */
  #runHere({ keyspace, operation, sink }: PendingForward, id: number): void {
    this.#pending.remove(id);
    this.#coordinator.run(keyspace, operation, sink);
  }

  #complete(id: number, pending: PendingForward, outcome: Outcome): void {
    this.#pending.remove(id);
    if (outcome.status === 'unavailable') this.#context.counters.unavailable++;
    pending.sink.complete(outcome);
  }

  #fateUnknown(pending: PendingForward, what: string): Outcome {
    const reason = pending.operation.kind === 'write' ? `${what}; the write may yet appear` : what;
    return { status: 'unavailable', reason };
  }

  #isFirstCopy(actor: string, id: number): boolean {
    let window = this.#seen.get(actor);
    if (window === undefined) {
      window = new ReplayWindow(WINDOW_SPAN);
      this.#seen.set(actor, window);
      if (this.#seen.size > MAX_ACTORS_REMEMBERED) this.#seen.delete(this.#seen.keys().next().value!);
    }
    return window.admit(id);
  }
}

/**
 * Numbers of one sender that are told apart: twice what it may have under way at a time, so that one that comes late
 * is not taken for a copy.
 */
const WINDOW_SPAN = 2 ** 17;

/** Every start of every node is an actor of its own; those of starts long past send nothing any more. */
const MAX_ACTORS_REMEMBERED = 1024;

function mayCoordinate({ placement, policy }: Keyspace, operation: KeyOperation): boolean {
  return placement.isHeldHere(operation.slot) || (policy.sloppy && needsNoReplica(operation));
}

/** Who may coordinate the operation: the replicas, and behind them the stand-ins if they may. */
function candidatesFor({ placement, policy }: Keyspace, operation: KeyOperation): readonly Peer[] {
  const replicas = placement.replicasOf(operation.slot);
  if (!policy.sloppy || !needsNoReplica(operation)) return replicas;
  return [...replicas, ...placement.standInsOf(operation.slot)];
}

/**
 * Indexes of candidates, best coordinator first: of the replicas those that are reachable and whole, then reachable;
 * then reachable stand-ins; then of the replicas those that are linked, then the rest. Equals keep their order.
 *
 * @param stamps whether the operation is one for which a node needs a clock that is not off.
 */
function byMerit(candidates: readonly Peer[], replicaCount: number, stamps: boolean): number[] {
  const merit = (index: number): number => {
    const peer = candidates[index]!;
    if (stamps && peer.clockOff) return index >= replicaCount ? -1 : 0;
    if (index >= replicaCount) return peer.reachable ? 1.5 : -1;
    return (peer.reachable ? 2 : 0) + (peer.linked && !peer.refilling ? 1 : 0);
  };
  const indexes = candidates.map((_, i) => i);
  return indexes.filter(index => merit(index) >= 0).sort((a, b) => merit(b) - merit(a) || a - b);
}

/** Bytes of value that an operation takes along. */
function bytesToCarry(operation: KeyOperation): number {
  return operation.kind === 'write' && operation.mutation.kind === 'set' ? operation.mutation.value.length : 0;
}

function lengthOf(outcome: Outcome): number {
  if (outcome.status === 'read') return outcome.found?.length ?? 0;
  return outcome.status === 'written' ? (outcome.before?.length ?? 0) : 0;
}

function wantsBefore(operation: KeyOperation): boolean {
  return operation.kind === 'write' && operation.mutation.kind === 'set' && operation.mutation.returnBefore;
}
