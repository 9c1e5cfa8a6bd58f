import { formatAddress } from '../config/address.ts';
import type { Member } from '../membership/member.ts';
import type { NodeName, PeerIdentity } from '../ports/outbox.ts';

/** What membership knows of who bore a member's name before. */
export interface FormerBearers {
  isFormer(peer: Pick<PeerIdentity, 'name' | 'actor'>): boolean;
}

/**
 * Which processes bear the members' names. One that was cut off while another took its place has what the others may have deleted and
 * forgotten since: nobody listens to it, and it has to end.
 */
export class NameBearers {
  /** Of which actor the last link from each peer is. */
  readonly #heardAs = new Map<NodeName, string>();
  #lostBecause: string | undefined;

  /** Why this process bears its own name no more; undefined while it does. */
  get lostBecause(): string | undefined {
    return this.#lostBecause;
  }

  heard({ name, actor }: PeerIdentity): void {
    this.#heardAs.set(name, actor);
  }

  /** Whether the link from there is of a process whose name a later one bears. */
  isFormer(name: NodeName, membership: FormerBearers | undefined): boolean {
    const actor = this.#heardAs.get(name);
    return actor !== undefined && membership?.isFormer({ name, actor }) === true;
  }

  lostTo({ name, identity: { bus } }: Member): void {
    this.#lostBecause = `another node has been started as ${name}, at ${formatAddress(bus)}, and has taken this one's place`;
  }
}
