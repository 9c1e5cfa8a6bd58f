import type { NodeName } from '../ports/outbox.ts';

/** What membership says of a member (`membership/member.ts`). */
export interface Standing {
  readonly status: string;
  readonly refilling: boolean;
  readonly clockOff: boolean;
}

/** A member of the ring as the replication layer sees it: one object a member, shared by every preference list. */
export class Peer {
  readonly name: NodeName;
  readonly isSelf: boolean;
  /** Membership does not hold it dead or gone: an answer is possible. Members count as alive until it says otherwise. */
  alive = true;
  /** It did not answer lately: others are asked first. */
  suspect = false;
  /** Our link to it is up (true of oneself). */
  linked: boolean;
  /** It says of itself that it came back without its data and has not refilled yet. */
  refilling = false;

  /** It says of itself that its clock is off: it stamps nothing. */
  clockOff = false;

  /** Takes what membership holds true of it. */
  believe({ status, refilling, clockOff }: Standing): void {
    this.alive = status !== 'dead' && status !== 'left';
    this.suspect = status === 'suspect';
    this.refilling = refilling;
    this.clockOff = clockOff;
  }

  constructor(name: NodeName, isSelf: boolean) {
    this.name = name;
    this.isSelf = isSelf;
    this.linked = isSelf;
  }

  /** Worth asking: a message would be sent, and an answer is likely. */
  get reachable(): boolean {
    return this.linked && this.alive && !this.suspect;
  }
}
