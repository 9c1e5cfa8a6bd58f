import { formatAddress } from '../../config/address.ts';
import { assert } from '../../lib/assert.ts';
import type { NodeName, PeerIdentity } from '../../ports/outbox.ts';
import {
  encodeHandshakeFrame,
  HandshakeInput,
  type HandshakeMessage,
  MAGIC,
  MAX_HANDSHAKE_BYTES,
  NONCE_BYTES,
  type ProofLabel,
  Transcript,
} from './handshake-wire.ts';
import { decodeIdentity, encodeIdentity } from './identity.ts';

/**
 * Who may talk, settled before anything else is read:
 *
 *     dialler                                        acceptor
 *       1  hello(versions, features, nonce)      →
 *                                                ←   2  hello(versions, features, nonce)
 *       3  proof                                 →
 *                                                ←   4  identity(acceptor, proof)
 *       5  identity(dialler, proof)              →
 *                                                ←   6  welcome(proof)
 *
 * Challenge and response with nonces from both sides (ISO/IEC 9798-4, mutual authentication), except that the first
 * proof carries no identity: neither side names itself to one who does not know the secret. Where the acceptor speaks
 * it may say `refused(sentence)` instead. These classes are pure: bytes in, an outcome out.
 *
 * A dialler that finds another cluster behind the address ends it before 5, unless the acceptor is a member of the
 * dialler's cluster by its name: then 5 is how the acceptor learns that it runs in the wrong one.
 */
export interface HandshakeTerms {
  readonly identity: PeerIdentity;
  /** Empty: the same exchange, open to all. */
  readonly secret: string;
  /** `NONCE_BYTES` that nobody can foresee. */
  readonly nonce: Uint8Array;
  readonly offer: ProtocolOffer;
  /** The last word on an authenticated peer: a sentence turns it away, undefined lets it in. */
  readonly judge: (peer: PeerIdentity) => string | undefined;
  /** Our cluster now: it may have been founded after `identity` was taken, while the exchange was under way. */
  readonly clusterId?: () => string;
  /** Whether our cluster has a member of this name; asked about a node that is in another one. */
  readonly isMember?: (name: NodeName) => boolean;
}

/** What one side can speak; the other side's equal is intersected with it. */
export interface ProtocolOffer {
  readonly versionMin: number;
  readonly versionMax: number;
  readonly features: readonly string[];
}

export const PROTOCOL_OFFER: ProtocolOffer = { versionMin: 1, versionMax: 1, features: [] };

export type HandshakeOutcome =
  /** Send this; it goes on. Undefined: a frame is not complete yet. */
  | { readonly kind: 'continue'; readonly reply: Buffer | undefined }
  | { readonly kind: 'done'; readonly reply: Buffer | undefined; readonly link: Agreement }
  /** The two can't link; the sentence says why, in either side's log. */
  | {
      readonly kind: 'refused';
      readonly reply: Buffer | undefined;
      readonly reason: string;
      /** At the acceptor: the dialler is of another cluster, which has a member of our name. */
      readonly isMissed?: boolean;
    }
  /** `judge` of the dialler turned the peer away: nothing was said to it. */
  | { readonly kind: 'declined'; readonly reason: string }
  /** Not a peer at all. */
  | { readonly kind: 'nonsense' };

/** What a finished handshake settles. */
export interface Agreement {
  readonly peer: PeerIdentity;
  readonly version: number;
  /** Both sides' features, in the order of this side's offer. */
  readonly features: readonly string[];
}

const MORE: HandshakeOutcome = { kind: 'continue', reply: undefined };
const NONSENSE: HandshakeOutcome = { kind: 'nonsense' };
const WRONG_SECRET = 'the cluster secret differs';

type Hello = Extract<HandshakeMessage, { kind: 'hello' }>;

/** What both roles keep. */
class Exchange {
  readonly terms: HandshakeTerms;
  readonly transcript: Transcript;
  readonly identity: Buffer;
  readonly #input = new HandshakeInput();
  #version = 0;
  #features: readonly string[] = [];

  constructor(terms: HandshakeTerms) {
    assert(terms.nonce.length === NONCE_BYTES, `Cannot greet with a nonce of ${terms.nonce.length} bytes`);
    this.terms = terms;
    this.transcript = new Transcript(terms.secret);
    this.identity = encodeIdentity(terms.identity);
    assert(
      decodeIdentity(this.identity) !== undefined,
      `Cannot greet as ${JSON.stringify(terms.identity)}: no peer takes it`,
    );
    assert(
      this.identity.length + this.#hello().length + 256 <= MAX_HANDSHAKE_BYTES,
      `Cannot greet with ${terms.offer.features.length} features: too long`,
    );
  }

  /** The next message, noted in the transcript; or the outcome while there is none. */
  read(chunk: Buffer): { readonly message: HandshakeMessage; readonly bytes: Buffer } | HandshakeOutcome {
    const result = this.#input.push(chunk);
    if (result.kind === 'more') return MORE;
    if (result.kind === 'nonsense') return NONSENSE;
    return { message: result.message, bytes: result.bytes };
  }

  /** Our hello, noted in the transcript. */
  hello(): Buffer {
    const frame = this.#hello();
    this.transcript.add(frame);
    return frame;
  }

  #hello(): Buffer {
    const { versionMin, versionMax, features } = this.terms.offer;
    const fields = ['hello', versionMin, versionMax, features, this.terms.nonce];
    return Buffer.concat([MAGIC, encodeHandshakeFrame(fields)]);
  }

  /** Notes their hello. @returns why the two can't speak to each other. */
  agree(hello: Hello, bytes: Buffer): string | undefined {
    this.transcript.add(bytes);
    const { versionMin, versionMax, features } = this.terms.offer;
    this.#version = Math.min(versionMax, hello.versionMax);
    this.#features = features.filter(feature => hello.features.includes(feature));
    if (this.#version >= versionMin && this.#version >= hello.versionMin) return undefined;
    return `bus versions ${hello.versionMin} to ${hello.versionMax} and ${versionMin} to ${versionMax} do not meet`;
  }

  /** The frame that names this side. */
  introduce(label: ProofLabel): Buffer {
    const frame = encodeHandshakeFrame(['identity', this.identity, this.transcript.prove(label, this.identity)]);
    this.transcript.add(frame);
    return frame;
  }

  /** Why this authenticated peer and we are no pair, whatever `judge` says. */
  mismatch(peer: PeerIdentity): string | undefined {
    const own = this.terms.identity;
    if (this.isNamesake(peer)) return `two nodes are named ${own.name}`;
    return this.isOfAnother(peer) ? `clusters ${peer.clusterId} and ${this.#clusterId} are two` : undefined;
  }

  isNamesake({ name, actor }: PeerIdentity): boolean {
    const own = this.terms.identity;
    return name === own.name && actor !== own.actor;
  }

  isOfAnother({ clusterId }: PeerIdentity): boolean {
    const own = this.#clusterId;
    return clusterId !== '' && own !== '' && clusterId !== own;
  }

  get #clusterId(): string {
    const { clusterId, identity } = this.terms;
    return clusterId?.() ?? identity.clusterId;
  }

  done(peer: PeerIdentity, reply: Buffer | undefined): HandshakeOutcome {
    return { kind: 'done', reply, link: { peer, version: this.#version, features: this.#features } };
  }
}

/** The dialling side: call `start`, send what it returns, then feed what comes. */
export class DiallerHandshake {
  readonly #exchange: Exchange;
  #expects: 'hello' | 'identity' | 'welcome' = 'hello';
  #peer: PeerIdentity | undefined;

  constructor(terms: HandshakeTerms) {
    this.#exchange = new Exchange(terms);
  }

  start(): Buffer {
    return this.#exchange.hello();
  }

  receive(chunk: Buffer): HandshakeOutcome {
    const read = this.#exchange.read(chunk);
    if (!('message' in read)) return read;
    const { message, bytes } = read;
    if (message.kind === 'refused') return { kind: 'refused', reply: undefined, reason: message.sentence };
    if (message.kind !== this.#expects) return NONSENSE;
    switch (message.kind) {
      case 'hello':
        return this.#onHello(message, bytes);
      case 'identity':
        return this.#onIdentity(message.identity, message.mac, bytes);
      case 'welcome':
        if (!this.#exchange.transcript.verify(message.mac, 'acceptor welcome')) return refuse(WRONG_SECRET);
        if (this.#peer === undefined) return NONSENSE; // it is of another cluster, and has been told so
        return this.#exchange.done(this.#peer, undefined);
    }
  }

  #onHello(hello: Hello, bytes: Buffer): HandshakeOutcome {
    const { terms, transcript } = this.#exchange;
    if (Buffer.compare(hello.nonce, terms.nonce) === 0) return NONSENSE; // our own words, echoed
    const apart = this.#exchange.agree(hello, bytes);
    if (apart !== undefined) return refuse(apart);
    const frame = encodeHandshakeFrame(['proof', transcript.prove('dialler proof')]);
    transcript.add(frame);
    this.#expects = 'identity';
    return { kind: 'continue', reply: frame };
  }

  #onIdentity(identity: Buffer, mac: Uint8Array, bytes: Buffer): HandshakeOutcome {
    const { transcript, terms } = this.#exchange;
    if (!transcript.verify(mac, 'acceptor identity', identity)) return refuse(WRONG_SECRET);
    const peer = decodeIdentity(identity);
    if (peer === undefined) return NONSENSE;
    transcript.add(bytes);
    const mismatch = this.#exchange.mismatch(peer);
    if (mismatch !== undefined) {
      const isOurs = !this.#exchange.isNamesake(peer) && terms.isMember?.(peer.name) === true;
      return isOurs ? this.#introduce() : refuse(mismatch);
    }
    const verdict = terms.judge(peer);
    if (verdict !== undefined) return { kind: 'declined', reason: verdict };
    this.#peer = peer;
    return this.#introduce();
  }

  #introduce(): HandshakeOutcome {
    this.#expects = 'welcome';
    return { kind: 'continue', reply: this.#exchange.introduce('dialler identity') };
  }
}

/** The accepting side: says nothing until the dialler has. */
export class AcceptorHandshake {
  readonly #exchange: Exchange;
  #expects: 'hello' | 'proof' | 'identity' = 'hello';

  constructor(terms: HandshakeTerms) {
    this.#exchange = new Exchange(terms);
  }

  receive(chunk: Buffer): HandshakeOutcome {
    const read = this.#exchange.read(chunk);
    if (!('message' in read)) return read;
    const { message, bytes } = read;
    if (message.kind !== this.#expects) return NONSENSE;
    switch (message.kind) {
      case 'hello':
        return this.#onHello(message, bytes);
      case 'proof':
        return this.#onProof(message.mac, bytes);
      case 'identity':
        return this.#onIdentity(message.identity, message.mac, bytes);
    }
  }

  #onHello(hello: Hello, bytes: Buffer): HandshakeOutcome {
    const apart = this.#exchange.agree(hello, bytes);
    if (apart !== undefined) return refuse(apart, MAGIC);
    this.#expects = 'proof';
    return { kind: 'continue', reply: this.#exchange.hello() };
  }

  #onProof(mac: Uint8Array, bytes: Buffer): HandshakeOutcome {
    const { transcript } = this.#exchange;
    if (!transcript.verify(mac, 'dialler proof')) return refuse(WRONG_SECRET, NOTHING);
    transcript.add(bytes);
    this.#expects = 'identity';
    return { kind: 'continue', reply: this.#exchange.introduce('acceptor identity') };
  }

  #onIdentity(identity: Buffer, mac: Uint8Array, bytes: Buffer): HandshakeOutcome {
    const { transcript, terms } = this.#exchange;
    if (!transcript.verify(mac, 'dialler identity', identity)) return refuse(WRONG_SECRET, NOTHING);
    const peer = decodeIdentity(identity);
    if (peer === undefined) return NONSENSE;
    transcript.add(bytes);
    const { name } = terms.identity;
    if (!this.#exchange.isNamesake(peer) && this.#exchange.isOfAnother(peer))
      return { ...refuse(missed(name, peer), NOTHING), isMissed: true };
    const reason = this.#exchange.mismatch(peer) ?? terms.judge(peer);
    if (reason !== undefined) return refuse(reason, NOTHING);
    const welcome = encodeHandshakeFrame(['welcome', transcript.prove('acceptor welcome')]);
    return this.#exchange.done(peer, welcome);
  }
}

const NOTHING = Buffer.alloc(0);

/** Why the acceptor `name` and a dialler whose cluster misses it are no pair. */
function missed(name: NodeName, { name: dialler, bus }: PeerIdentity): string {
  const where = formatAddress(bus);
  return `${name} is a member of the cluster of ${dialler}, but runs in another one: start ${name} with --join ${where}`;
}

/** `prefix`: what goes before the sentence, when the other side is to be told at all. */
function refuse(reason: string, prefix?: Buffer): Extract<HandshakeOutcome, { kind: 'refused' }> {
  if (prefix === undefined) return { kind: 'refused', reply: undefined, reason };
  return { kind: 'refused', reply: Buffer.concat([prefix, encodeHandshakeFrame(['refused', reason])]), reason };
}
