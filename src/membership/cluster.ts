import type { HashKey } from '../lib/half-sip-hash.ts';
import type { BusAddress, NodeName, PeerIdentity } from '../ports/outbox.ts';
import type { Topology } from './topology.ts';

/** A place in the member list of a cluster: what the ring is computed from, and where to look for the node first. */
export interface ClusterMember {
  readonly name: NodeName;
  /** What its tokens on the ring follow from: its name, or the place of a member that it has replaced. */
  readonly place: string;
  /** The epoch at which it became a member, or was about to; 1 for founders. */
  readonly joinedAt: number;
  readonly zone: string;
  readonly weight: number;
  readonly bus: BusAddress;
  readonly client: BusAddress;
}

/** What founding a cluster decides, and who its members are now. */
export interface ClusterIdentity {
  /** 128 random bits, 32 lower-case hexadecimal digits. */
  readonly id: string;
  /** Keys the digests, so that a stranger cannot aim keys at one of their places. */
  readonly hashKey: HashKey;
  readonly topology: Topology;
}

/** Members that a cluster may have; also what any list in a message of this folder is bounded by. */
export const MAX_MEMBERS = 1_024;

/** The member list's entry for a node that says this of itself. */
export function clusterMember(identity: PeerIdentity): ClusterMember {
  const { name, zone, weight, bus, client } = identity;
  return { name, place: name, joinedAt: 1, zone, weight, bus, client };
}

/** The order of names that every node agrees on: by UTF-16 code units, no locale. */
export function compareNames(a: NodeName, b: NodeName): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
