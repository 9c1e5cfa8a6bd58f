import { valueIdOf } from '../operation.ts';
import type { SimProcess } from '../sim-process.ts';
import { type Content, contentOf, type SimKey } from '../stored-key.ts';
import type { Report } from '../violation.ts';

/** What a process was last seen to hold of a key: enough to see whether to look again. */
interface Seen {
  stamp: number;
  actor: number;
  live: boolean;
}

/**
 * Looks at what replicas hold:
 *
 * - *One dot, one write* (invariant 1): a dot never stands on two values, nor on two keys.
 * - *One write, one coordinator*: a value, which clients send only once, stands under the dots of one actor. When a
 *   coordinator stamps a write again the stamp changes and the actor stays.
 *
 * **Why correct code cannot trip it.** An actor is new at every start and its clock only rises, so it never stamps twice
 * alike. A value loses its bytes only by an expiry, which stays on the record. A write is given to a second coordinator only when
 * the first provably never got it, and copies of a forwarded write are recognised, so no second actor stamps it.
 */
export class Dots {
  readonly #report: Report;
  readonly #seen = new WeakMap<SimProcess, Map<string, Seen>>();
  readonly #valueOfDot = new Map<string, string>();
  readonly #actorOfValue = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** How many writes have been seen in a store. */
  get writesSeen(): number {
    return this.#actorOfValue.size;
  }

  look(process: SimProcess, db: number, key: SimKey): void {
    const keyspace = process.node.cluster?.keyspaces.get(db);
    if (keyspace === undefined || !keyspace.placement.isHeldHere(key.slot)) return;
    const { store } = keyspace;
    const ref = store.find(key.slot, store.hashOf(key.bytes), key.bytes);
    if (ref === 0) return;
    if (this.#isNews(process, `${db} ${key.name}`, store.stampOf(ref), store.actorOf(ref), !store.isTombstone(ref))) {
      this.#check(db, key.name, contentOf(process, keyspace, key)!, process.name);
    }
  }

  #isNews(process: SimProcess, id: string, stamp: number, actor: number, live: boolean): boolean {
    let seenHere = this.#seen.get(process);
    if (seenHere === undefined) {
      seenHere = new Map();
      this.#seen.set(process, seenHere);
    }
    const seen = seenHere.get(id);
    if (seen === undefined) {
      seenHere.set(id, { stamp, actor, live });
      return true;
    }
    if (seen.stamp === stamp && seen.actor === actor && seen.live === live) return false;
    seen.stamp = stamp;
    seen.actor = actor;
    seen.live = live;
    return true;
  }

  #check(db: number, name: string, content: Content, node: string): void {
    const key = { db, name };
    const { dot, value } = content;
    const written = value === undefined ? '' : valueIdOf(value);
    const held = `${db} ${name} ${written}`;
    const before = this.#valueOfDot.get(dot);
    const droppedBytes = value === undefined && content.expiryAtMs !== 0;
    if (before === undefined) {
      if (!droppedBytes) this.#valueOfDot.set(dot, held);
    } else if (before !== held && !(droppedBytes && before.startsWith(`${db} ${name} `))) {
      const what = `${dot} stands on "${held}" at ${node}, and stood on "${before}"`;
      this.#report({ kind: 'dot-reused', what, key });
    }
    if (value !== undefined) this.#checkActor(db, name, written, dot.slice(0, dot.indexOf('@')));
  }

  #checkActor(db: number, name: string, written: string, actor: string): void {
    const id = `${name} ${written}`;
    const before = this.#actorOfValue.get(id);
    if (before === undefined) this.#actorOfValue.set(id, actor);
    else if (before !== actor) {
      const what = `${written} was stamped by ${before} and by ${actor}`;
      this.#report({ kind: 'two-coordinators', what, key: { db, name } });
    }
  }
}
