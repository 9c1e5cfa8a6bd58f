import type { NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { DrillMessage } from './drill-messages.ts';
import type { Drills } from './drills.ts';

export interface PeerLinkEvents {
  /** A link that nothing cuts off can send. */
  up(peer: PeerIdentity): void;
  down(name: NodeName): void;
  /** The peer is to be told all orders of drills. */
  tell(name: NodeName, message: DrillMessage): void;
}

/** Our links to the other nodes, as the cores are told of them: those that a drill cuts off are down to them. */
export class PeerLinks {
  readonly #drills: Drills;
  readonly #events: PeerLinkEvents;
  /** Peers that our links lead to, and those of them that no drill cuts off. */
  readonly #connected = new Map<NodeName, PeerIdentity>();
  readonly #linked = new Set<NodeName>();

  constructor(drills: Drills, events: PeerLinkEvents) {
    this.#drills = drills;
    this.#events = events;
  }

  /** Whether our link leads to this peer, be it cut off or not. */
  isConnected(name: NodeName): boolean {
    return this.#connected.has(name);
  }

  /** The peer, if a link that nothing cuts off leads to it. */
  linked(name: NodeName): PeerIdentity | undefined {
    return this.#linked.has(name) ? this.#connected.get(name) : undefined;
  }

  connected(peer: PeerIdentity): void {
    this.#connected.set(peer.name, peer);
    if (!this.#drills.isEmpty) this.#events.tell(peer.name, this.#drills.message);
    if (!this.#drills.isCut(peer.name)) this.#up(peer);
  }

  disconnected(name: NodeName): void {
    this.#connected.delete(name);
    if (this.#linked.delete(name)) this.#events.down(name);
  }

  /** Says `up` again of all links that are: there is somebody new to be told. */
  announce(): void {
    for (const peer of this.#connected.values()) if (!this.#drills.isCut(peer.name)) this.#up(peer);
  }

  /** The orders have changed: passes all of them on, and makes and breaks links as they say. */
  obey(): void {
    for (const [name, peer] of this.#connected) {
      this.#events.tell(name, this.#drills.message);
      if (!this.#drills.isCut(name)) {
        if (!this.#linked.has(name)) this.#up(peer);
      } else if (this.#linked.delete(name)) this.#events.down(name);
    }
  }

  #up(peer: PeerIdentity): void {
    this.#linked.add(peer.name);
    this.#events.up(peer);
  }
}
