import type { NodeName } from '../ports/outbox.ts';
import { MAX_MEMBERS } from './cluster.ts';
import { type Member, STATUS_RANK } from './member.ts';
import { fieldsOf, isActor, isBelow, isHost, isName, isPort, isUint32, isWeight, isZone, parseList } from './wire.ts';

/** A belief about a member and, when it is `suspect`, who found it unreachable; flat, because there are many. */
export type Rumour = readonly [
  name: NodeName,
  actor: string,
  generation: number,
  refutation: number,
  status: number,
  refilling: 0 | 1,
  busHost: string,
  busPort: number,
  clientHost: string,
  clientPort: number,
  zone: string,
  weight: number,
  witnesses: readonly NodeName[],
];

/**
 * What members tell each other; made of objects, arrays, strings and numbers only.
 * - `ping` → `ack` with the same number: the direct probe.
 * - `ping-req` → `ack` or `nack`: the indirect probe of `target`, and that it did not answer the helper (Lifeguard
 *   §IV.A).
 * - `gossip`: rumours that had no other message to ride on, or that are meant for the receiver.
 * - `sync` → `state` when the digests differ → `gossip` with what was news: push-pull. Equal peers exchange a digest.
 */
export type SwimMessage =
  | { readonly type: 'ping'; readonly seq: number; readonly rumours: readonly Rumour[] }
  | { readonly type: 'ack'; readonly seq: number; readonly rumours: readonly Rumour[] }
  | {
      readonly type: 'ping-req';
      readonly seq: number;
      readonly target: NodeName;
      readonly rumours: readonly Rumour[];
    }
  | { readonly type: 'nack'; readonly seq: number }
  | { readonly type: 'gossip'; readonly rumours: readonly Rumour[] }
  | { readonly type: 'sync'; readonly digest: number; readonly rumours: readonly Rumour[] }
  | { readonly type: 'state'; readonly rumours: readonly Rumour[] };

/** Witnesses that a rumour may name. */
export const MAX_WITNESSES = 8;

/** Generations and refutation numbers stay below it, so that one more is always a safe integer. */
export const NUMBER_LIMIT = 2 ** 52;

const STATUSES = ['alive', 'suspect', 'dead', 'left'] as const;

/** The rumour that says what `member` says; `member` must not be unknown. */
export function rumourOf(member: Member, witnesses: readonly NodeName[]): Rumour {
  const { identity } = member;
  return [
    member.name,
    member.actor,
    member.generation,
    member.refutation,
    STATUS_RANK[member.status],
    member.refilling ? 1 : 0,
    identity.bus.host,
    identity.bus.port,
    identity.client.host,
    identity.client.port,
    identity.zone,
    identity.weight,
    witnesses,
  ];
}

/** The belief in a rumour that `parseSwimMessage` let through. */
export function memberOf(rumour: Rumour, clusterId: string): Member {
  const [name, actor, generation, refutation, status, refilling] = rumour;
  const [, , , , , , busHost, busPort, clientHost, clientPort, zone, weight] = rumour;
  const bus = { host: busHost, port: busPort };
  const client = { host: clientHost, port: clientPort };
  const identity = { name, actor, clusterId, bus, client, zone, weight };
  return { name, actor, generation, refutation, status: STATUSES[status]!, identity, refilling: refilling === 1 };
}

/** The message in what a peer sent, or undefined when any of it is not as `SwimMessage` says. */
export function parseSwimMessage(value: unknown): SwimMessage | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const { type, seq, target, digest } = fields as { type?: unknown; seq?: unknown; target?: unknown; digest?: unknown };
  if (type === 'nack') return isUint32(seq) ? { type, seq } : undefined;
  const rumours = parseList((fields as { rumours?: unknown }).rumours, MAX_MEMBERS, parseRumour);
  if (rumours === undefined) return undefined;
  switch (type) {
    case 'ping':
    case 'ack':
      return isUint32(seq) ? { type, seq, rumours } : undefined;
    case 'ping-req':
      return isUint32(seq) && isName(target) ? { type, seq, target, rumours } : undefined;
    case 'sync':
      return isUint32(digest) ? { type, digest, rumours } : undefined;
    case 'gossip':
    case 'state':
      return { type, rumours };
    default:
      return undefined;
  }
}

const parseName = (value: unknown): NodeName | undefined => (isName(value) ? value : undefined);

function parseRumour(value: unknown): Rumour | undefined {
  if (!Array.isArray(value) || value.length !== 13) return undefined;
  const [name, actor, generation, refutation, status, refilling, ...rest] = value as readonly unknown[];
  const [busHost, busPort, clientHost, clientPort, zone, weight, witnessList] = rest;
  const witnesses = parseList(witnessList, MAX_WITNESSES, parseName);
  if (
    witnesses === undefined ||
    !isName(name) ||
    !isActor(actor) ||
    !isBelow(generation, NUMBER_LIMIT) ||
    !isBelow(refutation, NUMBER_LIMIT) ||
    !isBelow(status, STATUSES.length) ||
    (refilling !== 0 && refilling !== 1) ||
    !isHost(busHost) ||
    !isPort(busPort) ||
    !isHost(clientHost) ||
    !isPort(clientPort) ||
    !isZone(zone) ||
    !isWeight(weight)
  )
    return undefined;
  return [
    name,
    actor,
    generation,
    refutation,
    status,
    refilling,
    busHost,
    busPort,
    clientHost,
    clientPort,
    zone,
    weight,
    witnesses,
  ];
}
