import { allMembers, type Topology } from '../membership/topology.ts';
import type { NodeName } from '../ports/outbox.ts';

/** A member that is ready waits so long for the others, in monotonic ms: as long as many take to get ready. */
const PATIENCE_MS = 1_000;

/**
 * Members get ready for an epoch each in its own time, and then go by it together. Requests of one that is behind are refused by those that
 * are ahead, so clients wait for as long as members differ. Nothing but that depends on it: a member whose patience is over goes ahead.
 */
export class Rendezvous {
  /** What this node is ready for, and since when. */
  #own: { readonly topology: Topology; readonly sinceMs: number } | undefined;
  /** An epoch that others go by already. */
  #turned = 0;
  /** The latest epoch that each other has said to be ready for. */
  readonly #ready = new Map<NodeName, number>();

  /** This node is ready. */
  arrive(topology: Topology, nowMs: number): void {
    this.#own = { topology, sinceMs: nowMs };
  }

  /** Another is ready for an epoch; a copy that comes late may speak of an earlier one. */
  heard(name: NodeName, epoch: number): void {
    this.#ready.set(name, Math.max(epoch, this.#ready.get(name) ?? 0));
  }

  /** Others go by this epoch. */
  turned(epoch: number): void {
    this.#turned = Math.max(this.#turned, epoch);
  }

  /** This node goes by an epoch; of who is no member of it nothing is kept. */
  passed(topology: Topology): void {
    const names = new Set(allMembers(topology).map(({ name }) => name));
    for (const name of this.#ready.keys()) if (!names.has(name)) this.#ready.delete(name);
    this.#own = undefined;
  }

  /**
   * What to go by now, if the wait is over.
   *
   * @param awaited tells whoever is to know it who has to be ready.
   */
  due(nowMs: number, awaited: (() => Iterable<NodeName>) | undefined): Topology | undefined {
    if (this.#own === undefined) return undefined;
    const { topology, sinceMs } = this.#own;
    const isDue = topology.epoch <= this.#turned || nowMs - sinceMs >= PATIENCE_MS;
    return isDue || (awaited !== undefined && this.#areReady(awaited(), topology.epoch)) ? topology : undefined;
  }

  #areReady(names: Iterable<NodeName>, epoch: number): boolean {
    for (const name of names) if ((this.#ready.get(name) ?? 0) < epoch) return false;
    return true;
  }
}
