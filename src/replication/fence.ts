import type { Stamp } from '../clock/hybrid-clock.ts';
import { assert } from '../lib/assert.ts';
import type { CollectionMessages, Fenced, FenceRequest } from './collection-messages.ts';
import type { Peer } from './peer.ts';
import { firstOperationId, isOfThisEpoch, type ReplicationContext } from './replication-context.ts';

/** What a member knows of records that it may yet send and that do not come out of its store. */
export interface Undelivered {
  /** The least stamp among them, +Infinity when there are none: undecided writes, records kept for others, requests kept for later. */
  leastStamp(): Stamp;
  /** From now on no record up to this stamp may come to be among them, whatever is on its way here. */
  vouch(upTo: Stamp): void;
  /** Calls back when what was dropped here is gone for good: from the disk, too. At once where there is none; never while the disk fails. */
  whenDropped(done: () => void): void;
}

/** The floor of a fence that is through; undefined when it was given up. */
export type FenceDone = (floor: Stamp | undefined) => void;

interface RunningFence {
  readonly id: number;
  readonly upTo: Stamp;
  readonly startedMs: number;
  readonly waitsFor: Set<Peer>;
  readonly done: readonly FenceDone[];
  floor: Stamp;
  sentMs: number;
  /** Whether what was dropped on this node is gone for good. */
  isDropped: boolean;
}

/** An unanswered question is asked again after so long, and a fence given up after so long. Monotonic milliseconds. */
const ASK_AGAIN_MS = 500;
const PATIENCE_MS = 4_000;

/**
 * The barrier of DESIGN §5 ("Deletes stay deleted"). This node asks every member, and each answers *in order*, behind
 * all that it has sent here before, with the least stamp that it may yet send from anywhere but its store.
 *
 *     member   ── record ── record ── fenced(floor) ── record out of the store ─►  this node
 *
 * So when all have answered, a record below the least of their floors that still comes in has been sent out of some
 * member's *store*, after that member's answer. A break of a link ends the fence, so all answers are of one actor each.
 *
 * What a member has handed over, and dropped, may still be on its disk: a process that is killed before the next flush has it again. So a member
 * answers when that is gone from there, too.
 *
 * One fence is under way at a time; those who ask meanwhile are served by the next, which begins after they asked. So it
 * costs a message each way and member, however many tombstones wait for it.
 */
export class Fence {
  readonly #context: ReplicationContext;
  readonly #messages: CollectionMessages;
  readonly #undelivered: Undelivered;
  #nextId: number;
  #running: RunningFence | undefined;
  #asked: FenceDone[] = [];

  constructor(context: ReplicationContext, messages: CollectionMessages, undelivered: Undelivered) {
    this.#context = context;
    this.#messages = messages;
    this.#undelivered = undelivered;
    this.#nextId = firstOperationId(context);
  }

  /** Calls `done` when a fence that begins now or later is through or given up; never before it returns. */
  raise(done: FenceDone): void {
    this.#asked.push(done);
  }

  /** A member asks: this node's answer travels behind everything that it was sent. */
  onFence(from: Peer, request: FenceRequest): void {
    this.#undelivered.whenDropped(() => this.#answer(from, request));
  }

  #answer(from: Peer, { id, epoch, upTo }: FenceRequest): void {
    if (!isOfThisEpoch(this.#context, from, epoch) || this.#context.guard.isTooFarAhead(upTo)) return;
    this.#undelivered.vouch(upTo);
    const floor = this.#undelivered.leastStamp();
    this.#context.sendOrdered(from, this.#messages.encodeFenced({ id, floor }));
  }

  onFenced(from: Peer, { id, floor }: Fenced): void {
    const fence = this.#running;
    if (fence?.id !== id || !fence.waitsFor.delete(from)) return;
    fence.floor = Math.min(fence.floor, floor);
    this.#settle(fence);
  }

  /** Its answers are of members that there were, or come after a link was down. */
  giveUp(): void {
    if (this.#running !== undefined) this.#end(this.#running, undefined);
  }

  tick(): void {
    const nowMs = this.#context.clock.monotonicMs();
    const fence = this.#running;
    if (fence === undefined) {
      if (this.#asked.length > 0) this.#begin(nowMs);
    } else if (nowMs - fence.startedMs >= PATIENCE_MS) {
      this.#end(fence, undefined);
    } else if (nowMs - fence.sentMs >= ASK_AGAIN_MS) {
      this.#ask(fence, nowMs);
    }
  }

  #begin(nowMs: number): void {
    const { stamps, counters } = this.#context;
    counters.fences++;
    const upTo = stamps.last;
    this.#undelivered.vouch(upTo);
    const fence: RunningFence = {
      id: this.#nextId++,
      upTo,
      startedMs: nowMs,
      waitsFor: new Set(this.#context.peers.filter(peer => !peer.isSelf)),
      done: this.#asked,
      floor: Math.min(upTo + 1, this.#undelivered.leastStamp()),
      sentMs: nowMs,
      isDropped: false,
    };
    this.#asked = [];
    this.#running = fence;
    this.#ask(fence, nowMs);
    this.#undelivered.whenDropped(() => {
      fence.isDropped = true;
      if (this.#running === fence) this.#settle(fence);
    });
  }

  #ask(fence: RunningFence, nowMs: number): void {
    fence.sentMs = nowMs;
    const { id, upTo } = fence;
    const message = this.#messages.encodeFence({ id, upTo, epoch: this.#context.epoch });
    for (const peer of fence.waitsFor) this.#context.send(peer, message);
  }

  #settle(fence: RunningFence): void {
    if (fence.waitsFor.size === 0 && fence.isDropped) this.#end(fence, fence.floor);
  }

  #end(fence: RunningFence, floor: Stamp | undefined): void {
    assert(this.#running === fence, 'Cannot end a fence twice');
    this.#running = undefined;
    for (const done of fence.done) done(floor);
  }
}
