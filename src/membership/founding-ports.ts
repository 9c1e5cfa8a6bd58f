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
