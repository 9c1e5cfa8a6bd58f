import type { OperationObserver } from '../history.ts';
import { keyId, type Operation, writesValues } from '../operation.ts';
import type { Report } from '../violation.ts';

/** What the check knows of one key. Orders are places in the history's order of begins and ends. */
interface KeyState {
  /** Every write of a value, by the value. */
  readonly writes: Map<string, Operation>;
  /**
   * The greatest begin among the overwrites that were acknowledged, or found where reads repair first, so far; 0 when there is none: what ended before it is
   * superseded.
   */
  floor: number;
  /** The operation that the floor comes from. */
  floorBy: Operation | undefined;
  /** Operations after which nil may be found: those that may come about at any time, and the latest end of others. */
  openKillers: number;
  killedUntil: number;
  /** The same of those among them that put an expiry on a value. */
  openExpiries: number;
  expiredUntil: number;
  /** Writes of values whose fate is open. */
  openWrites: number;
}

/**
 * Of two acknowledged quorum writes, one begun after the other was acknowledged, the later wins, whatever the clocks,
 * and a quorum read begun after it was acknowledged finds it or something that is not older (invariant 4, and DESIGN §5
 * "Write").
 *
 *     w1 ├────ack┤                          a read begun here must not return w1,
 *                   w2 ├────ack┤            for w1 ended before w2 began and w2 ended before the read began
 *                                 read ├──
 *
 * So each read remembers at its begin the greatest *begin* of an overwrite that was acknowledged by then, its floor. A
 * value is too old when its write ended below the floor.
 *
 * **Why correct code cannot trip it.** W = R = 2 of N = 3, and crashes are so far apart that a replica which lost its
 * memory has merged what the others hold before the next one is lost. w1 is acknowledged by two replicas that are
 * whole, and so is w2; one replica P is in both pairs, or was refilled from one that is in w1's. P answers a stamp below
 * its own with `behind`, so w2's stamp, when it is acknowledged, is above all stamps of w1 (a write is never stamped
 * again once it is acknowledged). Two whole replicas answer a read, one of them has w2 or something above it, and the
 * read returns the greatest. Only a write with a greater stamp than w2 can be returned: none of those that were
 * acknowledged before w2 began.
 *
 * Whatever is uncertain counts for the code under test: a write that was not acknowledged never ends, so it may be
 * returned for ever, and it never raises a floor; of the words of a client only its own begin and end are believed.
 *
 * **A `DEL` that answers 0** says that it found nothing, as a read does, and raises the floor as one that answers 1: it has
 * stamped a tombstone, unless every replica said that it has nothing; then what was acknowledged before is gone from all.
 * But a value that has expired by one clock may be there by another, so where an expiry explains the 0 the floor stays.
 *
 * **Blocking read repair** promises more: what a read has found is held by R replicas before it is told, acknowledged or
 * not, so no read begun after that finds anything older. A value that was found there raises the floor to its write's
 * begin. For what was acknowledged before that begin was at one of the replicas that answered, and lost to the value found; and
 * one of any R replicas has the value now.
 *
 * **Nil** is explained by a `DEL` or by a value with an expiry that may be returned by the rule above, or by an
 * `EXPIRE` that may have found such a value. Clocks do not matter: any of these explains nil at once. An `EXPIRE` that ended
 * may yet sit on a value whose write is open, so while there is such a write it explains nil for ever.
 */
export class QuorumOrder implements OperationObserver {
  readonly #strict: ReadonlySet<number>;
  readonly #repairing: ReadonlySet<number>;
  readonly #report: Report;
  readonly #keys = new Map<string, KeyState>();
  /** Floors of the reads under way, one for each key. */
  readonly #floors = new Map<Operation, readonly number[]>();
  #checked = 0;

  /**
   * @param strict the keyspaces in which reads meet writes; in others a floor never rises, and any value will do that was
   *   written.
   * @param repairing those in which reads repair before they answer.
   */
  constructor(strict: ReadonlySet<number>, repairing: ReadonlySet<number>, report: Report) {
    this.#strict = strict;
    this.#repairing = repairing;
    this.#report = report;
  }

  /** Values and nils that were held against a floor. */
  get checked(): number {
    return this.#checked;
  }

  began(operation: Operation): void {
    const { db, keys, values } = operation;
    const states = keys.map(key => this.#stateOf(db, key));
    if (looks(operation)) {
      this.#floors.set(
        operation,
        states.map(state => state.floor),
      );
    }
    for (const [i, state] of states.entries()) {
      if (writesValues(operation)) {
        state.writes.set(values[i]!, operation);
        state.openWrites++;
      }
      if (mayKill(operation)) state.openKillers++;
      if (mayExpire(operation)) state.openExpiries++;
    }
  }

  ended(operation: Operation): void {
    const { db, keys, outcome } = operation;
    const floors = this.#floors.get(operation);
    this.#floors.delete(operation);
    if (outcome !== 'ok') return;
    for (const [i, key] of keys.entries()) {
      const state = this.#stateOf(db, key);
      if (floors !== undefined) this.#checkAnswer(operation, key, state, floors[i]!, i);
      if (this.#repairing.has(db)) this.#raiseToFound(state, operation.found[i]);
      this.#settle(operation, state);
    }
  }

  /** What the replicas agree on in the end is as good as a read begun now. */
  checkFinal(db: number, key: string, held: string | undefined): void {
    const state = this.#stateOf(db, key);
    this.#check(db, key, state, state.floor, held, 'in the end the replicas hold');
  }

  #stateOf(db: number, key: string): KeyState {
    const id = keyId(db, key);
    let state = this.#keys.get(id);
    if (state === undefined) {
      state = {
        writes: new Map(),
        floor: 0,
        floorBy: undefined,
        openKillers: 0,
        killedUntil: 0,
        openExpiries: 0,
        expiredUntil: 0,
        openWrites: 0,
      };
      this.#keys.set(id, state);
    }
    return state;
  }

  #checkAnswer(operation: Operation, key: string, state: KeyState, floor: number, i: number): void {
    const { db, command, applied } = operation;
    if (command === 'del') {
      if (!applied) this.#check(db, key, state, floor, undefined, 'a DEL found', 1);
    } else if (command !== 'nx') this.#check(db, key, state, floor, operation.found[i], `a ${command} found`);
    else if (applied) this.#check(db, key, state, floor, undefined, 'a SET NX was applied, so it found');
  }

  /** @param own how many of the open operations that explain nil are the looker's own. */
  #check(
    db: number,
    name: string,
    state: KeyState,
    floor: number,
    found: string | undefined,
    who: string,
    own = 0,
  ): void {
    this.#checked++;
    const key = { db, name };
    if (found === undefined) {
      if (floor === 0 || state.openKillers > own || state.killedUntil >= floor) return;
      const what = `${who} nothing at ${name}, but ${told(state.floorBy)} was acknowledged or found before`;
      return this.#report({ kind: 'stale-read', what, key });
    }
    const write = state.writes.get(found);
    if (write === undefined || isRefused(write)) {
      return this.#report({ kind: 'invented-value', what: `${who} ${found} at ${name}: nobody wrote that there`, key });
    }
    if (write.endOrder >= floor) return;
    const what = `${who} ${found} at ${name}, but ${told(state.floorBy)} began after that was acknowledged, and was acknowledged or found before the read began`;
    this.#report({ kind: 'stale-read', what, key });
  }

  /** What was found is here to stay, whatever became of its write. */
  #raiseToFound(state: KeyState, found: string | undefined): void {
    const write = found === undefined ? undefined : state.writes.get(found);
    if (write === undefined || write.startOrder <= state.floor) return;
    state.floor = write.startOrder;
    state.floorBy = write;
  }

  /** The operation is known to have happened between its begin and now. */
  #settle(operation: Operation, state: KeyState): void {
    const { command, applied, startOrder, endOrder } = operation;
    if (writesValues(operation)) state.openWrites--;
    if (mayKill(operation)) {
      const lingers = command === 'pexpire' && state.openWrites > 0;
      if (!lingers) state.openKillers--;
      state.killedUntil = Math.max(state.killedUntil, endOrder);
      if (mayExpire(operation)) {
        if (!lingers) state.openExpiries--;
        state.expiredUntil = endOrder;
      }
    }
    const overwrites = command === 'del' ? applied || !mayHaveExpired(state) : writesValues(operation) && applied;
    if (!overwrites || startOrder <= state.floor || !this.#strict.has(operation.db)) return;
    state.floor = startOrder;
    state.floorBy = operation;
  }
}

/** Whether the answer tells what a read found. */
function looks({ command }: Operation): boolean {
  return command === 'get' || command === 'mget' || command === 'nx' || command === 'del';
}

/** Whether the write said that it did nothing. */
function isRefused({ outcome, applied }: Operation): boolean {
  return outcome === 'ok' && !applied;
}

function mayKill({ command }: Operation): boolean {
  return command === 'del' || command === 'px' || command === 'pexpire';
}

function mayExpire({ command }: Operation): boolean {
  return command === 'px' || command === 'pexpire';
}

/** Whether an expiry explains nil. */
function mayHaveExpired({ openExpiries, expiredUntil, floor }: KeyState): boolean {
  return openExpiries > 0 || (expiredUntil > 0 && expiredUntil >= floor);
}

function told(operation: Operation | undefined): string {
  if (operation === undefined) return 'nothing';
  const { command, client, startMs, endMs } = operation;
  return `the ${command} of client ${client} at ${startMs.toFixed(1)}–${endMs.toFixed(1)} ms`;
}
