import { z } from 'zod';
import type { PeerIdentity } from '../../ports/outbox.ts';
import { decodePayload, encodePayload } from './payload.ts';

const word = (max: number) => z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`));
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^\P{C}*$/u);
const port = z.int().min(0).max(65_535);

/** The fields of an identity in their order on the wire. A later version may append more. */
const IdentityFields = z
  .tuple([word(64), word(128), text(64), text(255), port, text(255), port, text(64), z.number().min(0).max(1e6)])
  .rest(z.unknown());

/** An identity as it goes into the handshake. */
export function encodeIdentity(identity: PeerIdentity): Buffer {
  const { name, actor, clusterId, bus, client, zone, weight } = identity;
  return encodePayload([name, actor, clusterId, bus.host, bus.port, client.host, client.port, zone, weight]);
}

/** @returns the identity in these bytes, or undefined when a field is missing, too long or of the wrong kind. */
export function decodeIdentity(bytes: Buffer): PeerIdentity | undefined {
  const parsed = IdentityFields.safeParse(decodePayload(bytes));
  if (!parsed.success) return undefined;
  const [name, actor, clusterId, busHost, busPort, clientHost, clientPort, zone, weight] = parsed.data;
  if (!actor.startsWith(`${name}.`)) return undefined;
  const bus = { host: busHost, port: busPort };
  return { name, actor, clusterId, bus, client: { host: clientHost, port: clientPort }, zone, weight };
}
