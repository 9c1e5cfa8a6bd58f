import type { NodeName } from '../ports/outbox.ts';
import type { DrillMessage, DrillOrder } from './drill-messages.ts';

/**
 * Failures that an operator orders, to see what a cluster does in them (`COTERIE NODE DOWN`, `LINK DOWN`): who may not
 * contact whom. Orders spread from node to node like rumours, also through cuts, or none could be taken back.
 */
export class Drills {
  readonly #self: NodeName;
  readonly #members: ReadonlySet<NodeName>;
  /** The last order about each node and each pair. */
  readonly #orders = new Map<string, DrillOrder>();

  /** @param members orders about anyone else are ignored, so that their number is bounded. */
  constructor(self: NodeName, members: ReadonlySet<NodeName>) {
    this.#self = self;
    this.#members = members;
  }

  get message(): DrillMessage {
    return { orders: [...this.#orders.values()] };
  }

  /** How many orders to be down stand. */
  get inForce(): number {
    return [...this.#orders.values()].filter(({ down }) => down).length;
  }

  /** Whether this node and the other may not contact each other. */
  isCut(other: NodeName): boolean {
    if (this.#orders.size === 0) return false;
    return this.isDown(this.#self) || this.isDown(other) || this.#isOrdered([this.#self, other].sort());
  }

  /** Whether nobody may contact this node. */
  isDown(name: NodeName): boolean {
    return this.#isOrdered([name]);
  }

  /** An order given here and now. */
  give(about: readonly NodeName[], down: boolean, wallMs: number): void {
    const latestMs = Math.max(0, ...[...this.#orders.values()].map(({ atMs }) => atMs));
    this.hear({ orders: [{ about: [...about].sort(), down, atMs: Math.max(latestMs + 1, Math.floor(wallMs)) }] });
  }

  /** @returns whether any of it was news. */
  hear({ orders }: DrillMessage): boolean {
    let news = false;
    for (const order of orders) {
      if (!order.about.every(name => this.#members.has(name))) continue;
      const id = idOf(order.about);
      const known = this.#orders.get(id);
      if (known !== undefined && !isLater(order, known)) continue;
      this.#orders.set(id, order);
      news = true;
    }
    return news;
  }

  #isOrdered(about: readonly NodeName[]): boolean {
    return this.#orders.get(idOf(about))?.down === true;
  }
}

/** Names have no blanks. */
function idOf(about: readonly NodeName[]): string {
  return about.join(' ');
}

/** Given at the same time on two nodes, the one to be down counts, on every node. */
function isLater(order: DrillOrder, known: DrillOrder): boolean {
  return order.atMs > known.atMs || (order.atMs === known.atMs && order.down && !known.down);
}
