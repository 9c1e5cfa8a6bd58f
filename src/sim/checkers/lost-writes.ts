import type { OperationObserver } from '../history.ts';
import { keyId, type Operation, valueIdOf, writesValues } from '../operation.ts';
import type { SimProcess } from '../sim-process.ts';
import { type Content, contentOf, type SimKey } from '../stored-key.ts';
import type { Report } from '../violation.ts';

/** The acknowledged write with the greatest stamp of those that somebody still holds, or something newer than. */
interface Expected {
  readonly value: string;
  readonly stamp: number;
}

/** Where a replica has what it acknowledges. */
export type WhereAcknowledged = 'in memory' | 'durable';

/** What the check knows of one key. */
interface KeyState {
  expected: Expected | undefined;
  /** Whether anything was ever asked for that may leave nothing behind. */
  mayBeGone: boolean;
}

/**
 * Where quorums do not meet, an acknowledged write stays, unless something wins over it or all are lost that held it (invariant 4 at W = 1): in
 * the end the replicas hold it or something newer.
 *
 *     n1 ── w, stamp 7, acknowledged ──── lost                       in the end the replicas
 *     n2 ─────────────────────── w ───────────────────────────────   hold a value stamped 7 or
 *     n3 ── an earlier value, or nothing ──────────────────────────  later, for n2 has not been lost
 *
 * The stamp of a write is the one that it has in the stores when its answer arrives. Whenever a node is lost the stores are asked who holds
 * the write or something newer; when no other owner does, nothing more is expected of it, though hints may have it. What a node holds that
 * does not own the slot is not counted: it may have handed that over already, to one owner alone, and be about to drop it.
 *
 * Where what is acknowledged is durable, a node that is lost takes nothing with it; but when a disk has lost something, nothing more is expected of
 * anything so far.
 *
 * **Why correct code cannot trip it.** A store only ever exchanges a version for a newer one, until replicas are equal. An owner stays one,
 * or hands over what it holds before it drops it, to somebody who is asked when the next one is lost. A node that has left has handed over all. What is
 * collected was deleted or has expired, so *nothing* is borne where that was ever asked for, by whatever operation.
 */
export class LostWrites implements OperationObserver {
  readonly #dbs: ReadonlyMap<number, WhereAcknowledged>;
  readonly #processes: () => readonly SimProcess[];
  readonly #keys: ReadonlyMap<string, SimKey>;
  readonly #report: Report;
  readonly #states = new Map<string, KeyState>();
  #checked = 0;

  /** @param dbs the keyspaces in which a quorum does not promise more. @param processes those that run. @param keys by their ids. */
  constructor(
    dbs: ReadonlyMap<number, WhereAcknowledged>,
    processes: () => readonly SimProcess[],
    keys: ReadonlyMap<string, SimKey>,
    report: Report,
  ) {
    this.#dbs = dbs;
    this.#processes = processes;
    this.#keys = keys;
    this.#report = report;
  }

  /** Acknowledged writes that were expected to stand in the end, and were looked for. */
  get checked(): number {
    return this.#checked;
  }

  began({ db, keys, command }: Operation): void {
    if (!this.#dbs.has(db) || !mayLeaveNothing(command)) return;
    for (const name of keys) this.#stateOf(keyId(db, name)).mayBeGone = true;
  }

  ended(operation: Operation): void {
    const { db, keys, values, outcome, applied } = operation;
    if (outcome !== 'ok' || !applied || !writesValues(operation) || !this.#dbs.has(db)) return;
    for (const [i, name] of keys.entries()) this.#acknowledged(keyId(db, name), values[i]!);
  }

  /** A process was lost with its memory, and runs no more. @param diskLost whether its disk has lost something, too. */
  lost(diskLost: boolean): void {
    for (const [id, state] of this.#states) {
      if (state.expected === undefined) continue;
      const key = this.#keys.get(id)!;
      if (this.#dbs.get(key.db) === 'durable') {
        if (diskLost) state.expected = undefined;
        continue;
      }
      const held = this.#heldByOwners(key).map(stampOf);
      if (!held.some(stamp => stamp >= state.expected!.stamp)) state.expected = undefined;
    }
  }

  /** @param held what the replicas agree on in the end; undefined for nil. */
  checkFinal({ db, name, id }: SimKey, held: Content | undefined): void {
    const { expected, mayBeGone = false } = this.#states.get(id) ?? {};
    if (expected === undefined) return;
    this.#checked++;
    if (held === undefined ? mayBeGone : stampOf(held) >= expected.stamp) return;
    const found = held === undefined ? 'nothing' : `${valueIdOf(held.value!)} (${held.dot})`;
    const what = `in the end the replicas hold ${found} at ${name}, but ${expected.value} (@${expected.stamp}) was acknowledged, and not all are lost that held it or something newer`;
    this.#report({ kind: 'lost-write', what, key: { db, name } });
  }

  #acknowledged(id: string, value: string): void {
    const state = this.#stateOf(id);
    for (const content of this.#heldByOwners(this.#keys.get(id)!)) {
      if (content.value === undefined || valueIdOf(content.value) !== value) continue;
      const stamp = stampOf(content);
      if (state.expected === undefined || stamp > state.expected.stamp) state.expected = { value, stamp };
    }
  }

  #heldByOwners(key: SimKey): readonly Content[] {
    return this.#processes().flatMap(process => {
      const keyspace = process.node.cluster?.keyspaces.get(key.db);
      if (keyspace === undefined || process.node.hasLeft || !keyspace.placement.isHeldHere(key.slot)) return [];
      return contentOf(process, keyspace, key) ?? [];
    });
  }

  #stateOf(id: string): KeyState {
    let state = this.#states.get(id);
    if (state === undefined) {
      state = { expected: undefined, mayBeGone: false };
      this.#states.set(id, state);
    }
    return state;
  }
}

function mayLeaveNothing(command: Operation['command']): boolean {
  return command === 'del' || command === 'px' || command === 'pexpire';
}

function stampOf({ dot }: Content): number {
  return Number(dot.slice(dot.lastIndexOf('@') + 1));
}
