import type { ClusterMember } from '../membership/cluster.ts';
import type { Member } from '../membership/member.ts';
import type { BusAddress, NodeName, Outbox } from '../ports/outbox.ts';

/** Links to former members are kept for so long. */
const FAREWELL_MS = 15_000;

/** Where the other members' buses are, and that links lead there and nowhere else. */
export class Neighbours {
  readonly #self: NodeName;
  readonly #outbox: Outbox;
  /** Where each member's bus was last said to be. */
  readonly #addresses = new Map<NodeName, BusAddress>();
  /** Where former members were, and until when: for so long they can be told that they are none any more. */
  readonly #former = new Map<NodeName, { readonly address: BusAddress; readonly untilMs: number }>();

  constructor(self: NodeName, outbox: Outbox) {
    this.#self = self;
    this.#outbox = outbox;
  }

  /** The members from now on: new ones are looked for where the member list has them, those who are gone no more. */
  setMembers(members: readonly ClusterMember[], nowMs: number): void {
    const names = new Set(members.map(({ name }) => name));
    for (const [name, address] of this.#addresses) {
      if (names.has(name)) continue;
      this.#addresses.delete(name);
      this.#former.set(name, { address, untilMs: nowMs + FAREWELL_MS });
    }
    for (const { name, bus } of members) {
      this.#former.delete(name);
      if (name === this.#self || this.#addresses.has(name)) continue;
      this.#addresses.set(name, bus);
      this.#outbox.dial(bus);
    }
  }

  /** To be called about every 100 ms. */
  tick(nowMs: number): void {
    for (const [name, { address, untilMs }] of this.#former) {
      if (nowMs < untilMs) continue;
      this.#former.delete(name);
      this.#leave(address);
    }
  }

  /** A member that has moved is no longer looked for where it was, unless another lives there now. */
  follow({ name, identity }: Member): void {
    const before = this.#addresses.get(name);
    if (before === undefined) return;
    this.#addresses.set(name, identity.bus);
    if (isSameAddress(before, identity.bus)) return;
    this.#outbox.dial(identity.bus);
    this.#leave(before);
  }

  #leave(address: BusAddress): void {
    const isInUse = [...this.#addresses.values()].some(other => isSameAddress(other, address));
    if (!isInUse) this.#outbox.hangUp(address);
  }
}

export function isSameAddress(a: BusAddress, b: BusAddress): boolean {
  return a.host === b.host && a.port === b.port;
}
