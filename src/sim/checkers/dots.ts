import { valueIdOf } from '../operation.ts';
import type { SimProcess } from '../sim-process.ts';
import { type Content, contentOf, type Held, type SimKey } from '../stored-key.ts';
import type { Report } from '../violation.ts';

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
  readonly #seen = new WeakMap<SimProcess, Map<string, Held>>();
  readonly #valueOfDot = new Map<string, string>();
  readonly #actorOfValue = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** How many writes have been seen in a store. */
  get writesSeen(): number {
    return this.#actorOfValue.size;
  }

  look(key: SimKey, held: readonly Held[]): void {
    for (const each of held) {
      if (!this.#isNews(key, each)) continue;
      const { process } = each;
      const keyspace = process.node.cluster!.keyspaces.get(key.db)!;
      this.#check(key, contentOf(process, keyspace, key)!, process.name);
    }
  }

  /** Whether the process was not seen to hold this when it was last looked at. */
  #isNews({ id }: SimKey, held: Held): boolean {
    let seenHere = this.#seen.get(held.process);
    if (seenHere === undefined) {
      seenHere = new Map();
      this.#seen.set(held.process, seenHere);
    }
    const seen = seenHere.get(id);
    if (seen?.stamp === held.stamp && seen.actor === held.actor && seen.hasValue === held.hasValue) return false;
    seenHere.set(id, held);
    return true;
  }

  #check(key: SimKey, content: Content, node: string): void {
    const { dot, value } = content;
    const written = value === undefined ? '' : valueIdOf(value);
    const held = `${key.id} ${written}`;
    const before = this.#valueOfDot.get(dot);
    const droppedBytes = value === undefined && content.expiryAtMs !== 0;
    if (before === undefined) {
      if (!droppedBytes) this.#valueOfDot.set(dot, held);
    } else if (before !== held && !(droppedBytes && before.startsWith(`${key.id} `))) {
      const what = `${dot} stands on "${held}" at ${node}, and stood on "${before}"`;
      this.#report({ kind: 'dot-reused', what, key });
    }
    if (value !== undefined) this.#checkActor(key, written, dot.slice(0, dot.indexOf('@')));
  }

  #checkActor(key: SimKey, written: string, actor: string): void {
    const id = `${key.name} ${written}`;
    const before = this.#actorOfValue.get(id);
    if (before === undefined) this.#actorOfValue.set(id, actor);
    else if (before !== actor) {
      const what = `${written} was stamped by ${before} and by ${actor}`;
      this.#report({ kind: 'two-coordinators', what, key });
    }
  }
}
