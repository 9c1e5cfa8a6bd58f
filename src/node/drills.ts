import type { NodeName } from '../ports/outbox.ts';
import type { DrillMessage, DrillOrder } from './drill-messages.ts';

/** Orders that a node remembers before it knows who the members are, whom alone orders can be about. */
const MAX_ORDERS_UNFOUNDED = 1024;

/**
 * Failures that an operator orders, to see what a cluster does in them (`COTERIE NODE DOWN`, `LINK DOWN`): who may not
 * contact whom. Orders spread from node to node like rumours, also through cuts, or none could be taken back. A node
 * that has just been started obeys them too, or a drill would end when those it is about have been restarted.
 */
export class Drills {
  readonly #self: NodeName;
  #members: ReadonlySet<NodeName> | undefined;
  /** The last order about each node and each pair. */
  readonly #orders = new Map<string, DrillOrder>();

  constructor(self: NodeName) {
    this.#self = self;
  }

  /** Forgets orders about anyone else, and ignores them from now on, so that their number is bounded. */
  know(members: ReadonlySet<NodeName>): void {
    this.#members = members;
    for (const [id, { about }] of this.#orders) if (!about.every(name => members.has(name))) this.#orders.delete(id);
  }

  /** Whether nothing was ever ordered. */
  get isEmpty(): boolean {
    return this.#orders.size === 0;
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
    if (this.isEmpty) return false;
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
      const id = idOf(order.about);
      const known = this.#orders.get(id);
      if (known === undefined ? !this.#hasRoom(order) : !isLater(order, known)) continue;
      this.#orders.set(id, order);
      news = true;
    }
    return news;
  }

  #hasRoom({ about }: DrillOrder): boolean {
    if (this.#members === undefined) return this.#orders.size < MAX_ORDERS_UNFOUNDED;
    return about.every(name => this.#members!.has(name));
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
