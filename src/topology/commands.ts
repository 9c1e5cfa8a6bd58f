import { type ClusterMember, MAX_MEMBERS } from '../membership/cluster.ts';
import {
  advanced,
  allMembers,
  isMember,
  type Topology,
  TopologyError,
  withMember,
  withoutDeparting,
  withoutMember,
  withReplacement,
} from '../membership/topology.ts';
import { parseMember, parseTopology } from '../membership/topology-wire.ts';
import { fieldsOf, isBelow, isName } from '../membership/wire.ts';
import type { NodeName } from '../ports/outbox.ts';
import { pack, unpack } from './packed.ts';

/**
 * What the placement group decides, one after another:
 * - `join`: this node is to be a member, in the place of another if it `replaces` one; or it is one and says something else of itself.
 * - `leave`: this member is to hand over what it has and go. `forget`: it is gone for good.
 * - `advance`: the change under way goes on to its next phase, if this is still the epoch.
 * - `depart`: this member has handed over all it had.
 */
export type TopologyCommand =
  | {
      readonly type: 'join';
      readonly member: ClusterMember;
      readonly replaces: NodeName | undefined;
      /** At which that was asked for: what has been overtaken by another decision is void. */
      readonly epoch: number;
    }
  | { readonly type: 'leave' | 'forget' | 'depart'; readonly name: NodeName; readonly epoch: number }
  | { readonly type: 'advance'; readonly epoch: number };

/** What became of a command: the topology behind it, and if it changed nothing because it could not, why. */
export interface Applied {
  readonly topology: Topology;
  readonly error: string | undefined;
}

const MAX_EPOCH = 2 ** 32;

/** The same on every node: the one place where an epoch comes from. */
export function applyCommand(topology: Topology, command: TopologyCommand): Applied {
  try {
    return { topology: stepOf(topology, command), error: undefined };
  } catch (error) {
    if (!(error instanceof TopologyError)) throw error;
    return { topology, error: error.message };
  }
}

function stepOf(topology: Topology, command: TopologyCommand): Topology {
  switch (command.type) {
    case 'join': {
      const { member, replaces, epoch } = command;
      if (replaces === undefined) {
        mustHaveRoom(topology, member.name);
        return withMember(topology, member, epoch);
      }
      return withReplacement(topology, member, replaces, epoch);
    }
    case 'leave':
      return withoutMember(topology, command.name, false, command.epoch);
    case 'forget':
      return withoutMember(topology, command.name, true, command.epoch);
    case 'depart':
      return command.epoch === topology.epoch ? withoutDeparting(topology, command.name) : topology;
    case 'advance':
      return command.epoch === topology.epoch ? advanced(topology) : topology;
  }
}

/** A longer member list than that would be taken by nobody. */
function mustHaveRoom(topology: Topology, name: NodeName): void {
  if (isMember(topology, name) || allMembers(topology).length < MAX_MEMBERS) return;
  throw new TopologyError(`the cluster has ${MAX_MEMBERS} members, which is the limit: let one leave first`);
}

export function encodeCommand(command: TopologyCommand): Uint8Array {
  return pack(command);
}

export function decodeCommand(bytes: Uint8Array): TopologyCommand | undefined {
  return parseCommand(unpack(bytes));
}

/** The command in what a peer sent, or undefined. */
export function parseCommand(value: unknown): TopologyCommand | undefined {
  const fields = fieldsOf(value) as Partial<Record<string, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { type, name, epoch } = fields;
  switch (type) {
    case 'join': {
      const member = parseMember(fields['member']);
      const replaces = fields['replaces'] ?? undefined;
      if (!member || !isBelow(epoch, MAX_EPOCH)) return undefined;
      return replaces === undefined || isName(replaces) ? { type, member, replaces, epoch } : undefined;
    }
    case 'leave':
    case 'forget':
    case 'depart':
      return isName(name) && isBelow(epoch, MAX_EPOCH) ? { type, name, epoch } : undefined;
    case 'advance':
      return isBelow(epoch, MAX_EPOCH) ? { type, epoch } : undefined;
    default:
      return undefined;
  }
}

export function encodeTopology(topology: Topology): Uint8Array {
  return pack(topology);
}

export function decodeTopology(bytes: Uint8Array): Topology | undefined {
  return parseTopology(unpack(bytes));
}
