import { MembershipNetwork, type MembershipNetworkOptions, type Observed } from '../../src/sim/membership-network.ts';

/** A network that keeps what its nodes notice. */
export class ObservedNetwork extends MembershipNetwork {
  readonly events: Observed[];

  constructor(options: MembershipNetworkOptions) {
    const events: Observed[] = [];
    super({ ...options, observe: event => events.push(event) });
    this.events = events;
  }
}
