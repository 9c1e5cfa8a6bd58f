import type { Topology } from '../../membership/topology.ts';
import type { SimProcess } from '../sim-process.ts';
import type { Report } from '../violation.ts';

/** How many owners a ring has had; 0 when there was none. */
export interface RingSizes {
  readonly least: number;
  readonly most: number;
}

/**
 * One ring per epoch (invariant 9): all nodes that have ever been at an epoch knew the same of it, and a node's epochs rise.
 *
 * **Why correct code cannot trip it.** An epoch is what one entry of the placement group's log made of the one before, and committed entries
 * never change; a process goes on only to a later one.
 */
export class Epochs {
  readonly #report: Report;
  readonly #known = new Map<number, { readonly text: string; readonly by: string }>();
  readonly #last = new WeakMap<SimProcess, Topology>();
  #smallest = Number.POSITIVE_INFINITY;
  #largest = 0;

  constructor(report: Report) {
    this.#report = report;
  }

  /** The latest epoch that anybody was seen at. */
  get latest(): number {
    return Math.max(0, ...this.#known.keys());
  }

  /** How many owners the ring has had, at least and at most. */
  get owners(): RingSizes {
    return { least: Math.min(this.#smallest, this.#largest), most: this.#largest };
  }

  /** The process has come to know this. */
  adopted(process: SimProcess, topology: Topology): void {
    const last = this.#last.get(process);
    this.#last.set(process, topology);
    if (last !== undefined && topology.epoch <= last.epoch) {
      const what = `${process.name} went from epoch ${last.epoch} to ${topology.epoch}`;
      this.#report({ kind: 'two-rings', what });
    }
    this.#smallest = Math.min(this.#smallest, topology.members.length);
    this.#largest = Math.max(this.#largest, topology.members.length);
    this.#compare(process.name, topology);
  }

  #compare(name: string, topology: Topology): void {
    const text = JSON.stringify(topology);
    const known = this.#known.get(topology.epoch);
    if (known === undefined) this.#known.set(topology.epoch, { text, by: name });
    else if (known.text !== text) {
      const what = `epoch ${topology.epoch} is ${text} to ${name}, and was ${known.text} to ${known.by}`;
      this.#report({ kind: 'two-rings', what });
    }
  }
}
