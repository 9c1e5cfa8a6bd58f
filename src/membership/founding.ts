import type { BusAddress, NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { ClusterIdentity } from './cluster.ts';
import type { FoundingMessage } from './founding-messages.ts';

export interface FoundingOptions {
  /** This node; its `clusterId` is not read. */
  readonly self: PeerIdentity;
  /** Candidates, this node included, that must have been seen before a cluster is founded. */
  readonly expectNodes: number;
  /** Found at the first tick, without looking for others. */
  readonly alone: boolean;
}

/**
 * - `founded`: this node founded the cluster.
 * - `admitted`: another did, with this one among its members. `returning`: this process is not the one that took part
 *   in the founding, so the cluster's data went on without it and it has to be refilled.
 * - `refused`: a cluster exists, without this node. Once per cluster; asking goes on, slowly.
 */
export type FoundingEvent =
  | { readonly type: 'founded'; readonly cluster: ClusterIdentity }
  | { readonly type: 'admitted'; readonly cluster: ClusterIdentity; readonly returning: boolean }
  | { readonly type: 'refused'; readonly by: NodeName; readonly reason: string };

export interface FoundingPorts {
  readonly random: Random;
  /** @returns false when the message was provably not sent. */
  send(to: NodeName, message: FoundingMessage): boolean;
  /** Keep a link to this address. */
  dial(address: BusAddress): void;
  event(event: FoundingEvent): void;
}

export class Founding {
  readonly #options: FoundingOptions;
  readonly #ports: FoundingPorts;
  #cluster: ClusterIdentity | undefined;

  constructor(options: FoundingOptions, ports: FoundingPorts) {
    this.#options = options;
    this.#ports = ports;
  }

  /** The cluster this node belongs to. */
  get cluster(): ClusterIdentity | undefined {
    return this.#cluster;
  }

  /** Candidates that this node has met, itself included. */
  get seen(): number {
    return 1;
  }

  /** To be called about every 100 ms. */
  tick(_nowMs: number): void {}

  /** A message of `from`, as `parseFoundingMessage` let it through. */
  receive(_from: NodeName, _message: FoundingMessage, _nowMs: number): void {}

  /** Messages to this peer can be sent from now on. */
  linkUp(_peer: PeerIdentity): void {}

  /** The link to this peer broke. */
  linkDown(_name: NodeName): void {}

  /** This peer made a link to us; comes before its first message. */
  heard(_peer: PeerIdentity): void {}
}
