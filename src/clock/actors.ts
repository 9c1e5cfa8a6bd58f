import { assert } from '../lib/assert.ts';
import { fnv1a } from '../lib/fnv1a.ts';

/** A small integer that stands for an actor inside one process; never sent, never compared with `<`. */
export type ActorIndex = number;

/**
 * The actors that one process knows, each under a small integer so that a record's dot is two numbers.
 * An actor is a node's name and 64 random bits, new at every start (`n1.00c0ffee00c0ffee`): a dot is never used
 * twice, whatever was lost (invariant 1).
 */
export class Actors {
  readonly #names: string[] = [];
  readonly #indexes = new Map<string, ActorIndex>();
  /** 32 bits of each actor for digests, equal on every node. */
  readonly #words: number[] = [];

  /** The index of this actor, a new one when it was not known. */
  intern(actor: string): ActorIndex {
    const known = this.#indexes.get(actor);
    if (known !== undefined) return known;
    const index = this.#names.length;
    this.#names.push(actor);
    this.#indexes.set(actor, index);
    const word = fnv1a(actor);
    this.#words.push(word);
    return index;
  }

  nameOf(index: ActorIndex): string {
    const name = this.#names[index];
    assert(name !== undefined, `Cannot name actor ${index}: only ${this.#names.length} are known`);
    return name;
  }

  /** A write of the actor for people: `<actor>@<stamp>`. */
  dotText({ actor, stamp }: { readonly actor: ActorIndex; readonly stamp: number }): string {
    return `${this.nameOf(actor)}@${stamp}`;
  }

  /** 32 bits that depend on the actor alone, for digests. */
  wordOf(index: ActorIndex): number {
    return this.#words[index]!;
  }

  /** The order that breaks ties between equal stamps: the same on every node. */
  compare(a: ActorIndex, b: ActorIndex): number {
    if (a === b) return 0;
    return this.nameOf(a) < this.nameOf(b) ? -1 : 1;
  }
}

/** The name of the node in an actor. */
export function nodeOfActor(actor: string): string {
  return actor.slice(0, actor.lastIndexOf('.'));
}
