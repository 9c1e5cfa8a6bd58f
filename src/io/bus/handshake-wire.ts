import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { decodePayload, encodePayload } from './payload.ts';

/** The first bytes of either side; whoever sends others is a stranger. */
export const MAGIC = Buffer.from('COTERIE\n', 'latin1');

/** All that one side may send before the handshake ends. */
export const MAX_HANDSHAKE_BYTES = 4_096;
export const NONCE_BYTES = 32;
const MAC_BYTES = 32;
const LENGTH_BYTES = 2;
const MAX_SENTENCE = 200;

/** Which side says what: the word in a proof that makes one side's proof worthless in the other's mouth. */
export type ProofLabel = 'dialler proof' | 'acceptor identity' | 'dialler identity' | 'acceptor welcome';

const bytes = z.instanceof(Uint8Array);
const nonce = bytes.refine(value => value.length === NONCE_BYTES);
const mac = bytes.refine(value => value.length === MAC_BYTES);
const version = z.int().min(1).max(65_535);

/** The handshake's frames; a later version may append fields. */
const Message = z.union([
  z
    .tuple([z.literal('hello'), version, version, z.array(z.string().max(64)).max(32), nonce])
    .rest(z.unknown())
    .transform(([kind, versionMin, versionMax, features, value]) => ({
      kind,
      versionMin,
      versionMax,
      features,
      nonce: value,
    })),
  z.tuple([z.literal('proof'), mac]).transform(([kind, value]) => ({ kind, mac: value })),
  z
    .tuple([z.literal('identity'), bytes, mac])
    .transform(([kind, value, proof]) => ({ kind, identity: Buffer.from(value), mac: proof })),
  z.tuple([z.literal('welcome'), mac]).transform(([kind, value]) => ({ kind, mac: value })),
  z.tuple([z.literal('refused'), z.string()]).transform(([kind, value]) => ({ kind, sentence: tame(value) })),
]);

export type HandshakeMessage = z.infer<typeof Message>;

/** A frame: its payload's length as u16, then the payload. */
export function encodeHandshakeFrame(fields: readonly unknown[]): Buffer {
  const payload = encodePayload(fields);
  const frame = Buffer.alloc(LENGTH_BYTES + payload.length);
  frame.writeUInt16BE(payload.length, 0);
  payload.copy(frame, LENGTH_BYTES);
  return frame;
}

export type HandshakeInputResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'nonsense' }
  /** `bytes` are the frame's own, the magic included when it is the first. */
  | { readonly kind: 'frame'; readonly bytes: Buffer; readonly message: HandshakeMessage };

/**
 * Gathers one side's handshake bytes into frames. The two sides take turns, so bytes behind a frame are nonsense, and
 * so are more than `MAX_HANDSHAKE_BYTES` altogether.
 */
export class HandshakeInput {
  #pending: Buffer = Buffer.alloc(0);
  #prefix = MAGIC.length;
  #total = 0;

  push(chunk: Buffer): HandshakeInputResult {
    this.#total += chunk.length;
    if (this.#total > MAX_HANDSHAKE_BYTES) return { kind: 'nonsense' };
    const pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#pending = pending;
    const magic = Math.min(this.#prefix, pending.length);
    if (!pending.subarray(0, magic).equals(MAGIC.subarray(0, magic))) return { kind: 'nonsense' };
    if (pending.length < this.#prefix + LENGTH_BYTES) return { kind: 'more' };
    const start = this.#prefix + LENGTH_BYTES;
    const end = start + pending.readUInt16BE(this.#prefix);
    if (end > MAX_HANDSHAKE_BYTES || pending.length > end) return { kind: 'nonsense' };
    if (pending.length < end) return { kind: 'more' };
    const parsed = Message.safeParse(decodePayload(pending.subarray(start, end)));
    if (!parsed.success) return { kind: 'nonsense' };
    this.#pending = Buffer.alloc(0);
    this.#prefix = 0;
    return { kind: 'frame', bytes: pending, message: parsed.data };
  }
}

/**
 * All that both sides have sent, in order. A proof is HMAC-SHA-256 under the secret over its label, a zero byte, the
 * transcript so far (both magics, both hellos with their nonces, …) and the identity that it vouches for; nothing that
 * was said can be changed, dropped, repeated to another or turned round without the next proof failing.
 */
export class Transcript {
  readonly #secret: string;
  readonly #parts: Buffer[] = [];

  constructor(secret: string) {
    this.#secret = secret;
  }

  add(frame: Buffer): void {
    this.#parts.push(frame);
  }

  prove(label: ProofLabel, identity?: Buffer): Buffer {
    const hmac = createHmac('sha256', this.#secret).update(`${label}\0`);
    for (const part of this.#parts) hmac.update(part);
    if (identity !== undefined) hmac.update(identity);
    return hmac.digest();
  }

  /** Whether `proof` is the one; takes the same time wherever the two differ. */
  verify(proof: Uint8Array, label: ProofLabel, identity?: Buffer): boolean {
    return timingSafeEqual(proof, this.prove(label, identity));
  }
}

/** Another's sentence, fit for a log line of ours. */
function tame(sentence: string): string {
  return sentence.slice(0, MAX_SENTENCE).replace(/\p{C}/gu, '?');
}
