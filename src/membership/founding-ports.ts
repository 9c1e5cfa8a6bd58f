import type { BusAddress, NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Random } from '../ports/random.ts';
import type { ClusterIdentity } from './cluster.ts';
import type { FoundingMessage, NamedActor } from './founding-messages.ts';

export interface FoundingOptions {
  /** This node; its `clusterId` is not read. */
  readonly self: PeerIdentity;
  /** Candidates, this node included, that must have been seen before a cluster is founded. */
  readonly expectNodes: number;
  /** Found at the first tick, without looking for others, unless a member of a cluster has come by then. */
  readonly alone: boolean;
  /** The member whose place this node is to take in a cluster that exists. */
  readonly replaces: NodeName | undefined;
}

/**
 * - `founded`: this node founded the cluster.
 * - `admitted`: another did, with this one among its members. `returning`: this process is not the one that took part
 *   in the founding, so the cluster's data went on without it and it has to be refilled.
 * - `joining`: a cluster exists, and is about to take this node for a new member.
 * - `refused`: a cluster exists, and will not have this node. Once per reason; asking goes on, slowly.
 */
export type FoundingEvent =
  | { readonly type: 'founded'; readonly cluster: ClusterIdentity; readonly founders: readonly NamedActor[] }
  | {
      readonly type: 'admitted';
      readonly cluster: ClusterIdentity;
      readonly founders: readonly NamedActor[];
      readonly returning: boolean;
    }
  | { readonly type: 'joining'; readonly by: NodeName }
  | { readonly type: 'refused'; readonly by: NodeName; readonly reason: string };

export interface FoundingPorts {
  readonly random: Random;
  /** @returns false when the message was provably not sent. */
  send(to: NodeName, message: FoundingMessage): boolean;
  /** Keep a link to this address. */
  dial(address: BusAddress): void;
  /**
   * Sees to it that this node, no member of the founded cluster, becomes one.
   *
   * @returns why it will not, if that is known.
   */
  join(peer: PeerIdentity, replaces: NodeName | undefined): string | undefined;
  event(event: FoundingEvent): void;
}
