import { describeOperation, keyId, type Operation, type OperationOutcome } from './operation.ts';
import type { Request } from './workload.ts';

/** What is told of operations while they happen; each call is one point in the order of begins and ends. */
export interface OperationObserver {
  began(operation: Operation): void;
  ended(operation: Operation): void;
}

/** Operations on one key that are remembered for telling; checks do not read them. */
const REMEMBERED = 300;

/** Every operation of every client as it was seen from outside: numbers begins and ends, and tells the checkers. */
export class History {
  readonly #observers: readonly OperationObserver[];
  readonly #byKey = new Map<string, Operation[]>();
  #order = 0;
  #pending = 0;

  constructor(observers: readonly OperationObserver[]) {
    this.#observers = observers;
  }

  /** Operations without an outcome. */
  get pending(): number {
    return this.#pending;
  }

  /** The present place in the order of begins and ends. */
  get order(): number {
    return this.#order;
  }

  begin(client: number, node: string, db: number, request: Request, nowMs: number): Operation {
    const { command, keys, values, ttlMs } = request;
    const operation: Operation = {
      client,
      db,
      command,
      keys,
      values,
      ttlMs,
      node,
      startMs: nowMs,
      startOrder: ++this.#order,
      endMs: Number.POSITIVE_INFINITY,
      endOrder: Number.POSITIVE_INFINITY,
      outcome: undefined,
      found: [],
      applied: true,
      error: '',
    };
    this.#pending++;
    for (const key of keys) this.#remember(db, key, operation);
    for (const observer of this.#observers) observer.began(operation);
    return operation;
  }

  /** The fields that tell the answer have been filled in. */
  end(operation: Operation, outcome: OperationOutcome, nowMs: number): void {
    operation.outcome = outcome;
    operation.endMs = nowMs;
    const order = ++this.#order;
    if (outcome === 'ok') operation.endOrder = order;
    this.#pending--;
    for (const observer of this.#observers) observer.ended(operation);
  }

  /** What happened to the key lately, a line each with the virtual milliseconds that it is sorted under. */
  linesOf(db: number, key: string): readonly (readonly [atMs: number, line: string])[] {
    const operations = this.#byKey.get(keyId(db, key)) ?? [];
    return operations.map(operation => [operation.startMs, describeOperation(operation)]);
  }

  #remember(db: number, key: string, operation: Operation): void {
    const id = keyId(db, key);
    const operations = this.#byKey.get(id);
    if (operations === undefined) this.#byKey.set(id, [operation]);
    else if (operations.push(operation) > 2 * REMEMBERED) operations.splice(0, REMEMBERED);
  }
}
