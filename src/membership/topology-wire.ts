import type { NodeName } from '../ports/outbox.ts';
import { type ClusterMember, MAX_MEMBERS } from './cluster.ts';
import type { RingChange, Topology } from './topology.ts';
import { fieldsOf, isBelow, isHost, isName, isPort, isWeight, isZone, parseList } from './wire.ts';

const MAX_EPOCH = 2 ** 32;

/** The topology in what a peer sent, or undefined when any of it is not as `Topology` says. */
export function parseTopology(value: unknown): Topology | undefined {
  const fields = fieldsOf(value) as Partial<Record<keyof Topology, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { epoch, removedAt } = fields;
  const members = parseMembers(fields.members);
  const departing = parseMembers(fields.departing);
  const change = parseChange(fields.change);
  if (!isBelow(epoch, MAX_EPOCH) || epoch === 0 || members === undefined || members.length === 0) return undefined;
  if (departing === undefined || change === 'malformed' || !isBelow(removedAt, MAX_EPOCH)) return undefined;
  return { epoch, removedAt, members, change, departing };
}

/** A member of a cluster, or undefined. */
export function parseMember(value: unknown): ClusterMember | undefined {
  const fields = fieldsOf(value) as Partial<Record<keyof ClusterMember, unknown>> | undefined;
  if (fields === undefined) return undefined;
  const { name, place, joinedAt, zone, weight } = fields;
  const bus = parseAddress(fields.bus);
  const client = parseAddress(fields.client);
  if (!isBelow(joinedAt, MAX_EPOCH)) return undefined;
  if (!isName(name) || !isName(place) || !isZone(zone) || !isWeight(weight) || !bus || !client) return undefined;
  return { name, place, joinedAt, zone, weight, bus, client };
}

/** Names and places are each one member's. */
function parseMembers(value: unknown): readonly ClusterMember[] | undefined {
  const members = parseList(value, MAX_MEMBERS, parseMember);
  if (members === undefined) return undefined;
  const names = new Set(members.map(({ name }) => name));
  const places = new Set(members.map(({ place }) => place));
  return names.size === members.length && places.size === members.length ? members : undefined;
}

function parseChange(value: unknown): RingChange | undefined | 'malformed' {
  if (value === undefined || value === null) return undefined;
  const fields = fieldsOf(value) as Partial<Record<keyof RingChange, unknown>> | undefined;
  if (fields === undefined) return 'malformed';
  const { phase } = fields;
  const members = parseMembers(fields.members);
  const lost = parseList(fields.lost, MAX_MEMBERS, parseName);
  if ((phase !== 'merge' && phase !== 'pass') || members === undefined || members.length === 0) return 'malformed';
  return lost === undefined ? 'malformed' : { phase, members, lost };
}

function parseName(value: unknown): NodeName | undefined {
  return isName(value) ? value : undefined;
}

function parseAddress(value: unknown): { host: string; port: number } | undefined {
  const fields = fieldsOf(value) as { host?: unknown; port?: unknown } | undefined;
  if (fields === undefined || !isHost(fields.host) || !isPort(fields.port)) return undefined;
  return { host: fields.host, port: fields.port };
}
