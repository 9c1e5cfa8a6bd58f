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
  /** Sum of `FLAGS`. */
  flags: number,
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
 * - `ping` → `ack` with the same number: the direct probe. The ack shows the sender's wall clock, Unix ms.
 * - `ping-req` → `ack` or `nack`: the indirect probe of `target`, and that it did not answer the helper (Lifeguard
 *   §IV.A).
 * - `gossip`: rumours that had no other message to ride on, or that are meant for the receiver.
 * - `sync` → `state` when the digests differ → `gossip` with what was news: push-pull. Equal peers exchange a digest.
 */
export type SwimMessage =
  | { readonly type: 'ping'; readonly seq: number; readonly rumours: readonly Rumour[] }
  | {
      readonly type: 'ack';
      readonly seq: number;
      readonly wallMs: number;
      readonly latestMs: number;
      readonly rumours: readonly Rumour[];
    }
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

/** What a member says of its condition, as bits. */
const FLAGS = { refilling: 1, clockOff: 2 } as const;
const FLAGS_END = 4;

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
    (member.refilling ? FLAGS.refilling : 0) | (member.clockOff ? FLAGS.clockOff : 0),
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
  const [name, actor, generation, refutation, status, flags] = rumour;
  const [, , , , , , busHost, busPort, clientHost, clientPort, zone, weight] = rumour;
  const bus = { host: busHost, port: busPort };
  const client = { host: clientHost, port: clientPort };
  const identity = { name, actor, clusterId, bus, client, zone, weight };
  const condition = { refilling: (flags & FLAGS.refilling) !== 0, clockOff: (flags & FLAGS.clockOff) !== 0 };
  return { name, actor, generation, refutation, status: STATUSES[status]!, identity, ...condition };
}

/** The message in what a peer sent, or undefined when any of it is not as `SwimMessage` says. */
export function parseSwimMessage(value: unknown): SwimMessage | undefined {
  const fields = fieldsOf(value);
  if (fields === undefined) return undefined;
  const { type, seq, target, digest, wallMs, latestMs } = fields as Partial<Record<MessageField, unknown>>;
  if (type === 'nack') return isUint32(seq) ? { type, seq } : undefined;
  const rumours = parseList((fields as { rumours?: unknown }).rumours, MAX_MEMBERS, parseRumour);
  if (rumours === undefined) return undefined;
  switch (type) {
    case 'ping':
      return isUint32(seq) ? { type, seq, rumours } : undefined;
    case 'ack':
      if (!isUint32(seq) || !isBelow(wallMs, NUMBER_LIMIT) || !isBelow(latestMs, NUMBER_LIMIT)) return undefined;
      return { type, seq, wallMs, latestMs, rumours };
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

type MessageField = 'type' | 'seq' | 'target' | 'digest' | 'wallMs' | 'latestMs';

const parseName = (value: unknown): NodeName | undefined => (isName(value) ? value : undefined);

function parseRumour(value: unknown): Rumour | undefined {
  if (!Array.isArray(value) || value.length !== 13) return undefined;
  const [name, actor, generation, refutation, status, flags, ...rest] = value as readonly unknown[];
  const [busHost, busPort, clientHost, clientPort, zone, weight, witnessList] = rest;
  const witnesses = parseList(witnessList, MAX_WITNESSES, parseName);
  if (
    witnesses === undefined ||
    !isName(name) ||
    !isActor(actor) ||
    !isBelow(generation, NUMBER_LIMIT) ||
    !isBelow(refutation, NUMBER_LIMIT) ||
    !isBelow(status, STATUSES.length) ||
    !isBelow(flags, FLAGS_END) ||
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
    flags,
    busHost,
    busPort,
    clientHost,
    clientPort,
    zone,
    weight,
    witnesses,
  ];
}
