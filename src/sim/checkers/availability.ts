import type { OperationObserver } from '../history.ts';
import { describeOperation, type Operation } from '../operation.ts';
import type { Report } from '../violation.ts';

/** What may be wrong while operations are counted: nothing, or one node is down. */
export type Condition = 'fault-free' | 'one-down';

export interface Availability {
  operations: number;
  failed: number;
}

/** The share of operations that must succeed (invariant 11). */
const SHARE = 0.999;
/** An operation that has no answer by then has failed, even if one comes later. */
const LATE_MS = 1_500;
const FAILURES_TOLD = 10;

/**
 * Safety is never bought with silence: of the operations begun while nothing is wrong, or while one node is down, at least
 * 99.9 % succeed.
 *
 * Counted are operations that begin in a *window*. A fault-free window begins when all nodes see each other alive, linked and
 * whole. A window with one node down begins a grace time after its process ended, within which the others must have
 * noticed; it ends when the node is started again. An operation succeeds when it is answered with something else than an error within 1.5 s. Left out is
 * what begins less than that before its window ends and is answered after: it may have met the next fault.
 *
 * **Why correct code cannot trip it.** In a window the network loses nothing and is quick, two replicas of three run, and
 * nodes know which, so every operation is answered within some round trips.
 */
export class AvailabilityCheck implements OperationObserver {
  readonly conditions: Readonly<Record<Condition, Availability>> = {
    'fault-free': { operations: 0, failed: 0 },
    'one-down': { operations: 0, failed: 0 },
  };
  readonly #failures: string[] = [];
  /** Begun in the window that is open. */
  readonly #unanswered = new Set<Operation>();
  #condition: Condition | undefined;

  /** From this moment on operations that begin are counted. */
  open(condition: Condition): void {
    this.#condition = condition;
  }

  /** The window is over. */
  close(nowMs: number): void {
    if (this.#condition === undefined) return;
    for (const operation of this.#unanswered) {
      if (nowMs - operation.startMs >= LATE_MS) this.#count(this.#condition, operation, false);
    }
    this.#unanswered.clear();
    this.#condition = undefined;
  }

  began(operation: Operation): void {
    if (this.#condition !== undefined) this.#unanswered.add(operation);
  }

  ended(operation: Operation): void {
    if (!this.#unanswered.delete(operation) || this.#condition === undefined) return;
    const { startMs, endMs, outcome } = operation;
    this.#count(this.#condition, operation, outcome === 'ok' && endMs - startMs < LATE_MS);
  }

  check(report: Report): void {
    for (const condition of ['fault-free', 'one-down'] as const) {
      const { operations, failed } = this.conditions[condition];
      if (operations === 0 || failed <= operations * (1 - SHARE)) continue;
      const what = `${failed} of ${operations} operations failed (${condition}):\n  ${this.#failures.join('\n  ')}`;
      report({ kind: 'unavailable', what });
    }
  }

  #count(condition: Condition, operation: Operation, succeeded: boolean): void {
    this.conditions[condition].operations++;
    if (succeeded) return;
    this.conditions[condition].failed++;
    if (this.#failures.length < FAILURES_TOLD) this.#failures.push(`${condition}: ${describeOperation(operation)}`);
  }
}
