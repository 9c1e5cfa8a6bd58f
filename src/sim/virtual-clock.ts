import { assert } from '../lib/assert.ts';
import type { Clock } from '../ports/clock.ts';
import { type Action, EventQueue } from './event-queue.ts';

/** Where virtual wall time begins: 2026-01-01T00:00:00Z in Unix milliseconds. */
const WALL_START_MS = 1_767_225_600_000;

/** The time of a simulated world: it passes only from one event to the next. Milliseconds since the beginning. */
export class VirtualTime {
  readonly #queue = new EventQueue();
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** What a perfect wall clock would show. */
  get wallMs(): number {
    return WALL_START_MS + this.#nowMs;
  }

  at(atMs: number, action: Action): void {
    assert(atMs >= this.#nowMs, 'Cannot plan an event: its time is past');
    this.#queue.add(atMs, action);
  }

  in(delayMs: number, action: Action): void {
    this.at(this.#nowMs + delayMs, action);
  }

  /** Lets events happen until `endMs`, or until `isOver` says so, which is asked after each. */
  run(endMs: number, isOver: () => boolean): void {
    const queue = this.#queue;
    while (queue.nextMs <= endMs) {
      this.#nowMs = queue.nextMs;
      queue.take()();
      if (isOver()) return;
    }
    this.#nowMs = endMs;
  }
}

/** A machine's clocks: the wall clock is off by so much, runs off at some rate, and may be set; the other only passes. */
export class SkewedClock implements Clock {
  readonly #time: VirtualTime;
  /** Of the wall clock, per millisecond. */
  readonly #drift: number;
  #offsetMs: number;

  constructor(time: VirtualTime, offsetMs: number, drift: number) {
    this.#time = time;
    this.#offsetMs = offsetMs;
    this.#drift = drift;
  }

  /** How far this clock is ahead of a perfect one. */
  get aheadMs(): number {
    return this.#offsetMs + this.#time.nowMs * this.#drift;
  }

  wallMs(): number {
    return Math.floor(this.#time.wallMs + this.aheadMs);
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  /** Somebody sets the wall clock: from now on it is ahead by this much. */
  set(aheadMs: number): void {
    this.#offsetMs += aheadMs - this.aheadMs;
  }
}
