import { type ByteReader, MalformedMessageError } from '../lib/byte-reader.ts';
import { ByteWriter } from '../lib/byte-writer.ts';
import type { ReplicaCount } from '../lib/replica-count.ts';
import { slotOf } from '../lib/slots.ts';
import type { ExpireCondition, Mutation } from '../store/mutation.ts';
import type { Found, Outcome } from '../store/outcome.ts';
import { naturalOf, readNatural, readWord } from './checked-reads.ts';
import { bytesOf, DetachedFound } from './detached-found.ts';
import { BODY_THRESHOLD_BYTES, type Encoded, MessageType } from './message-type.ts';
import type { KeyOperation } from './operation.ts';

/** A node that does not hold the key to one that does: run this operation for my client. */
export interface Forward {
  /** Counted by the sender's `actor`, so that a copy of the message is recognised. */
  readonly id: number;
  readonly actor: string;
  readonly epoch: number;
  readonly operation: KeyOperation;
}

export interface ForwardReply {
  readonly id: number;
  readonly outcome: Outcome | Declined;
}

/** The asked node has done nothing: it may not coordinate the operation now, or as far as it knows it never may (`moved`). */
export type Declined =
  | { readonly status: 'declined'; readonly reason: string }
  | { readonly status: 'moved'; readonly reason: string };

const QUORUM = 0;
const ALL = 255;

/** A number of replicas in one byte. */
function countCode(count: ReplicaCount): number {
  if (count === 'quorum') return QUORUM;
  if (count === 'all') return ALL;
  return count === 'one' ? 1 : count;
}

function countOf(code: number): ReplicaCount {
  if (code === QUORUM) return 'quorum';
  return code === ALL ? 'all' : code;
}

const READ = 0;
const SET = 1;
const DELETE = 2;
const EXPIRE = 3;

const SET_CONDITIONS = ['always', 'absent', 'present'] as const;
const EXPIRE_CONDITIONS = ['always', 'not-expiring', 'expiring', 'later', 'sooner', 'expiring-sooner'] as const;
const KEEP_EXPIRY = -1;

const OUTCOMES = ['read', 'written', 'unavailable', 'refused', 'declined', 'moved'] as const;

/** Encodes and decodes forwarded operations and their outcomes. Decoders start behind the type byte. */
export class ForwardMessages {
  readonly #out = new ByteWriter();

  encodeForward(id: number, actor: string, epoch: number, operation: KeyOperation): Encoded {
    const out = this.#begin(MessageType.forward, id);
    out.text(actor);
    out.u32(epoch);
    out.u8(operation.db);
    out.bytes(operation.key);
    out.u8(countCode(operation.need));
    if (operation.kind === 'read') {
      out.u8(READ);
      out.u8(operation.wantsValue ? 1 : 0);
      return this.#end(undefined);
    }
    out.u8(mutationCode(operation.mutation));
    out.u8(countCode(operation.readNeed));
    return this.#endMutation(operation.mutation);
  }

  decodeForward(input: ByteReader): Forward {
    const id = readNatural(input, 'an operation number');
    const actor = input.text();
    const epoch = input.u32();
    const db = input.u8();
    const key = input.bytes();
    const need = countOf(input.u8());
    const code = input.u8();
    const slot = slotOf(key);
    if (code === READ) {
      return {
        id,
        actor,
        epoch,
        operation: { kind: 'read', db, slot, key, need, wantsValue: input.u8() === 1 },
      };
    }
    const readNeed = countOf(input.u8());
    const mutation = readMutation(code, input);
    return { id, actor, epoch, operation: { kind: 'write', db, slot, key, need, readNeed, mutation } };
  }

  encodeReply(id: number, outcome: Outcome | Declined, wantsValue: boolean): Encoded {
    const out = this.#begin(MessageType.forwardReply, id);
    out.u8(OUTCOMES.indexOf(outcome.status));
    switch (outcome.status) {
      case 'read':
        return this.#endFound(outcome.found, wantsValue);
      case 'written':
        out.u8(outcome.applied ? 1 : 0);
        return this.#endFound(outcome.before, wantsValue);
      case 'unavailable':
      case 'declined':
      case 'moved':
        out.text(outcome.reason);
        return this.#end(undefined);
      case 'refused':
        out.text(outcome.error);
        return this.#end(undefined);
    }
  }

  decodeReply(input: ByteReader): ForwardReply {
    const id = readNatural(input, 'an operation number');
    switch (readWord(input, OUTCOMES, 'an outcome')) {
      case 'read':
        return { id, outcome: { status: 'read', found: readFound(input) } };
      case 'written': {
        const applied = input.u8() === 1;
        return { id, outcome: { status: 'written', applied, before: readFound(input) } };
      }
      case 'unavailable':
        return { id, outcome: { status: 'unavailable', reason: input.text() } };
      case 'refused':
        return { id, outcome: { status: 'refused', error: input.text() } };
      case 'declined':
        return { id, outcome: { status: 'declined', reason: input.text() } };
      case 'moved':
        return { id, outcome: { status: 'moved', reason: input.text() } };
    }
  }

  #begin(type: number, id: number): ByteWriter {
    this.#out.reset();
    this.#out.u8(type);
    this.#out.f64(id);
    return this.#out;
  }

  #endMutation(mutation: Mutation): Encoded {
    const out = this.#out;
    switch (mutation.kind) {
      case 'set':
        out.u8(SET_CONDITIONS.indexOf(mutation.condition));
        out.u8(mutation.returnBefore ? 1 : 0);
        out.f64(mutation.expiry === 'keep' ? KEEP_EXPIRY : mutation.expiry);
        return this.#end(mutation.value);
      case 'delete':
        return this.#end(undefined);
      case 'expire':
        out.u8(EXPIRE_CONDITIONS.indexOf(mutation.condition));
        out.f64(mutation.atMs);
        return this.#end(undefined);
    }
  }

  #endFound(found: Found | undefined, wantsValue: boolean): Encoded {
    const out = this.#out;
    out.u8(found === undefined ? 0 : 1);
    if (found === undefined) return this.#end(undefined);
    out.f64(found.length);
    out.f64(found.expiryAtMs);
    if (!wantsValue) return this.#end(undefined);
    return this.#end(bytesOf(found));
  }

  #end(value: Uint8Array | undefined): Encoded {
    if (value !== undefined && value.length >= BODY_THRESHOLD_BYTES) return { head: this.#out.view(), body: value };
    if (value !== undefined) this.#out.raw(value);
    return { head: this.#out.view(), body: undefined };
  }
}

function mutationCode(mutation: Mutation): number {
  if (mutation.kind === 'set') return SET;
  return mutation.kind === 'delete' ? DELETE : EXPIRE;
}

function readMutation(code: number, input: ByteReader): Mutation {
  switch (code) {
    case SET: {
      const condition = readWord(input, SET_CONDITIONS, 'a condition');
      const returnBefore = input.u8() === 1;
      const expiry = input.f64();
      const value = input.rest();
      return {
        kind: 'set',
        value,
        expiry: expiry === KEEP_EXPIRY ? 'keep' : naturalOf(expiry, 'a time'),
        condition,
        returnBefore,
      };
    }
    case DELETE:
      return { kind: 'delete' };
    case EXPIRE: {
      const condition: ExpireCondition = readWord(input, EXPIRE_CONDITIONS, 'a condition');
      return { kind: 'expire', atMs: readNatural(input, 'a time'), condition };
    }
    default:
      throw new MalformedMessageError(`Cannot read a forwarded operation: ${code} names none`);
  }
}

function readFound(input: ByteReader): Found | undefined {
  if (input.u8() === 0) return undefined;
  const length = readNatural(input, 'a length');
  const expiryAtMs = readNatural(input, 'a time');
  return new DetachedFound(length, expiryAtMs, input.rest());
}
