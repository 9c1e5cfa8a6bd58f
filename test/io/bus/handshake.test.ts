import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AcceptorHandshake,
  DiallerHandshake,
  type HandshakeOutcome,
  type HandshakeTerms,
  PROTOCOL_OFFER,
} from '../../../src/io/bus/handshake.ts';
import { encodeHandshakeFrame, MAGIC, Transcript } from '../../../src/io/bus/handshake-wire.ts';
import { decodeIdentity, encodeIdentity } from '../../../src/io/bus/identity.ts';
import { decodePayload, encodePayload } from '../../../src/io/bus/payload.ts';
import type { PeerIdentity } from '../../../src/ports/outbox.ts';

const identity = (name: string, clusterId = ''): PeerIdentity => ({
  name,
  actor: `${name}.00c0ffee00c0ffee`,
  clusterId,
  bus: { host: '10.0.0.1', port: 16_379 },
  client: { host: '10.0.0.1', port: 6_379 },
  zone: 'a',
  weight: 1,
});

const terms = (name: string, fill: number, more: Partial<HandshakeTerms> = {}): HandshakeTerms => ({
  identity: identity(name),
  secret: 'open sesame',
  nonce: Buffer.alloc(32, fill),
  offer: PROTOCOL_OFFER,
  judge: () => undefined,
  ...more,
});

interface Run {
  readonly frames: Buffer[];
  readonly dialler: HandshakeOutcome;
  readonly acceptor: HandshakeOutcome;
}

/** Lets two sides talk until neither has anything to say; `tamper` may change each frame on its way. */
function talk(
  diallerTerms: HandshakeTerms,
  acceptorTerms: HandshakeTerms,
  tamper: (frame: Buffer, index: number) => Buffer = frame => frame,
): Run {
  const d = new DiallerHandshake(diallerTerms);
  const a = new AcceptorHandshake(acceptorTerms);
  const frames = [d.start()];
  let dialler: HandshakeOutcome = { kind: 'continue', reply: undefined };
  let acceptor: HandshakeOutcome = dialler;
  for (;;) {
    acceptor = a.receive(tamper(frames.at(-1)!, frames.length - 1));
    if (!('reply' in acceptor) || acceptor.reply === undefined) break;
    frames.push(acceptor.reply);
    dialler = d.receive(tamper(acceptor.reply, frames.length - 1));
    if (!('reply' in dialler) || dialler.reply === undefined) break;
    frames.push(dialler.reply);
  }
  return { frames, dialler, acceptor };
}

describe('the handshake', () => {
  test('tells each side who the other is', () => {
    const { dialler, acceptor, frames } = talk(terms('n1', 1), terms('n2', 2));
    expect(dialler).toMatchObject({ kind: 'done', link: { peer: identity('n2'), version: 1, features: [] } });
    expect(acceptor).toMatchObject({ kind: 'done', link: { peer: identity('n1'), version: 1, features: [] } });
    expect(frames).toHaveLength(6);
  });

  test('goes on when every byte comes alone', () => {
    const d = new DiallerHandshake(terms('n1', 1));
    const a = new AcceptorHandshake(terms('n2', 2));
    let outgoing: Buffer | undefined = d.start();
    const last: HandshakeOutcome[] = [];
    for (let turn = 0; outgoing !== undefined; turn++) {
      const side: DiallerHandshake | AcceptorHandshake = turn % 2 === 0 ? a : d;
      let outcome: HandshakeOutcome = { kind: 'nonsense' };
      for (const byte of outgoing) outcome = side.receive(Buffer.from([byte]));
      last[turn % 2] = outcome;
      outgoing = 'reply' in outcome ? outcome.reply : undefined;
    }
    expect(last.map(outcome => outcome.kind)).toEqual(['done', 'done']);
  });

  test('settles on the highest common version and the common features', () => {
    const { dialler, acceptor } = talk(
      terms('n1', 1, { offer: { versionMin: 1, versionMax: 3, features: ['x', 'y', 'z'] } }),
      terms('n2', 2, { offer: { versionMin: 2, versionMax: 7, features: ['z', 'w', 'x'] } }),
    );
    expect(dialler).toMatchObject({ kind: 'done', link: { version: 3, features: ['x', 'z'] } });
    expect(acceptor).toMatchObject({ kind: 'done', link: { version: 3, features: ['z', 'x'] } });
  });

  test('refuses where the versions do not meet, before anything else', () => {
    const newer = { versionMin: 2, versionMax: 3, features: [] };
    const reason = 'bus versions 1 to 1 and 2 to 3 do not meet';
    const { dialler, acceptor, frames } = talk(terms('n1', 1), terms('n2', 2, { offer: newer }));
    expect(dialler).toMatchObject({ kind: 'refused', reason });
    expect(acceptor).toMatchObject({ kind: 'refused', reason });
    expect(frames).toHaveLength(2);
  });

  test.each([
    ['another secret', 'other', 'open sesame'],
    ['no secret', '', 'open sesame'],
    ['a secret where there is none', 'open sesame', ''],
  ])('refuses %s, and neither side has named itself', (_case, ours, theirs) => {
    const { dialler, acceptor, frames } = talk(
      terms('dialler', 1, { secret: ours }),
      terms('acceptor', 2, { secret: theirs }),
    );
    expect(dialler).toMatchObject({ kind: 'refused', reason: 'the cluster secret differs' });
    expect(acceptor).toMatchObject({ kind: 'refused', reason: 'the cluster secret differs' });
    for (const frame of frames) expect(frame.toString('latin1')).not.toMatch(/00c0ffee|dialler\.|acceptor\./);
  });

  test('works with no secret at all', () => {
    expect(talk(terms('n1', 1, { secret: '' }), terms('n2', 2, { secret: '' })).acceptor.kind).toBe('done');
  });

  test('refuses another cluster, and takes who has none yet', () => {
    const of = (name: string, clusterId: string, fill: number) =>
      terms(name, fill, { identity: identity(name, clusterId) });
    expect(talk(of('n1', 'c1', 1), of('n2', 'c2', 2)).dialler).toMatchObject({
      kind: 'refused',
      reason: 'clusters c2 and c1 are two',
    });
    expect(talk(of('n1', '', 1), of('n2', 'c2', 2)).acceptor.kind).toBe('done');
    expect(talk(of('n1', 'c1', 1), of('n2', '', 2)).acceptor.kind).toBe('done');
    expect(talk(of('n1', 'c1', 1), of('n2', 'c1', 2)).acceptor.kind).toBe('done');
  });

  test('tells a node of another cluster that it is a member of ours', () => {
    const isMember = (name: string) => name === 'n1';
    const n2 = terms('n2', 1, { identity: identity('n2', 'c2'), isMember });
    const of = (name: string) => terms(name, 2, { identity: identity(name, 'c1') });
    const reason = 'n1 is a member of the cluster of n2, but runs in another one: start n1 with --join 10.0.0.1:16379';
    const { dialler, acceptor } = talk(n2, of('n1'));
    expect(dialler).toMatchObject({ kind: 'refused', reason });
    expect(acceptor).toMatchObject({ kind: 'refused', reason, isMissed: true });
    // Nobody else learns who n2 is, nor a second process of its name what to do.
    for (const name of ['n3', 'n2']) expect(talk(n2, of(name)).frames).toHaveLength(4);
  });

  test('goes by the cluster that an acceptor has founded meanwhile', () => {
    const n2 = terms('n2', 1, { identity: identity('n2', 'c2'), isMember: () => true });
    const n1 = terms('n1', 2, { clusterId: () => 'c1' });
    expect(talk(n2, n1).acceptor).toMatchObject({ kind: 'refused', isMissed: true });
  });

  test('a node of another cluster that welcomes a member of ours is none', () => {
    const d = new DiallerHandshake(terms('n2', 1, { identity: identity('n2', 'c2'), isMember: () => true }));
    const a = new AcceptorHandshake(terms('n1', 2, { identity: identity('n1', 'c1') }));
    const frames = [d.start()];
    for (const _ of [1, 2]) {
      frames.push((a.receive(frames.at(-1)!) as { reply: Buffer }).reply);
      frames.push((d.receive(frames.at(-1)!) as { reply: Buffer }).reply);
    }
    const transcript = new Transcript('open sesame');
    for (const frame of frames) transcript.add(frame);
    const welcome = encodeHandshakeFrame(['welcome', transcript.prove('acceptor welcome')]);
    expect(d.receive(welcome)).toEqual({ kind: 'nonsense' });
  });

  test('refuses a second node of the same name, not the node itself', () => {
    const twin = { ...identity('n1'), actor: 'n1.0b' };
    expect(talk(terms('n1', 1), terms('n1', 2, { identity: twin })).dialler).toMatchObject({
      kind: 'refused',
      reason: 'two nodes are named n1',
    });
    const self = talk(
      terms('n1', 1, { judge: peer => (peer.actor === identity('n1').actor ? 'self' : undefined) }),
      terms('n1', 2),
    );
    expect(self.dialler).toEqual({ kind: 'declined', reason: 'self' });
  });

  test('an acceptor that turns a peer away says why', () => {
    const { dialler } = talk(terms('n1', 1), terms('n2', 2, { judge: () => 'full\nhouse' }));
    expect(dialler).toMatchObject({ kind: 'refused', reason: 'full?house' }); // fit for a log line
  });

  test('an echo of our own words is no answer', () => {
    const d = new DiallerHandshake(terms('n1', 1));
    expect(d.receive(d.start()).kind).toBe('nonsense');
  });

  test("a side's proof is worthless in the other's mouth", () => {
    // The attacker answers our hello with one of its own, and our proof with that same proof.
    const d = new DiallerHandshake(terms('n1', 1));
    d.start();
    const hello = Buffer.concat([MAGIC, encodeHandshakeFrame(['hello', 1, 1, [], Buffer.alloc(32, 9)])]);
    const outcome = d.receive(hello);
    const proof = (decodePayload((outcome as { reply: Buffer }).reply.subarray(2)) as [string, Uint8Array])[1];
    const forged = encodeHandshakeFrame(['identity', encodeIdentity(identity('n2')), proof]);
    expect(d.receive(forged)).toMatchObject({ kind: 'refused', reason: 'the cluster secret differs' });
  });

  test('a proof is worth nothing in another exchange', () => {
    const first = talk(terms('n1', 1), terms('n2', 2));
    const a = new AcceptorHandshake(terms('n2', 3)); // another nonce
    a.receive(first.frames[0]!);
    expect(a.receive(first.frames[2]!)).toMatchObject({ kind: 'refused', reason: 'the cluster secret differs' });
  });

  test('no byte of it can be changed on the way', () => {
    const { frames } = talk(terms('n1', 1), terms('n2', 2));
    for (const [index, frame] of frames.entries()) {
      for (let at = 0; at < frame.length; at++) {
        const run = talk(terms('n1', 1), terms('n2', 2), (bytes, i) => {
          if (i !== index) return bytes;
          const changed = Buffer.from(bytes);
          changed[at]! ^= 0x01;
          return changed;
        });
        // Who changes the last frame is too late for the acceptor, never for the dialler.
        expect(run.dialler.kind === 'done').toBe(false);
        if (index < 5) expect(run.acceptor.kind === 'done').toBe(false);
      }
    }
  });

  test('survives anything a stranger sends, in either role and at any point', () => {
    const { frames } = talk(terms('n1', 1), terms('n2', 2));
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 5_000 }),
      fc.uint8Array({ maxLength: 300 }).map(bytes => {
        const frame = Buffer.alloc(2 + bytes.length);
        frame.writeUInt16BE(bytes.length);
        frame.set(bytes, 2);
        return frame;
      }),
      fc
        .array(fc.oneof(fc.string(), fc.integer(), fc.constantFrom('hello', 'identity', 'proof', 'welcome')))
        .map(encodeHandshakeFrame),
    );
    fc.assert(
      fc.property(garbage, fc.integer({ min: 0, max: 5 }), (bytes, index) => {
        const run = talk(terms('n1', 1), terms('n2', 2), (frame, i) =>
          i === index ? Buffer.concat([index < 2 ? MAGIC : Buffer.alloc(0), bytes]) : frame,
        );
        if (!frames[index]!.equals(bytes)) expect(run.dialler.kind).not.toBe('done');
      }),
      { numRuns: 300 },
    );
  });

  test('bytes behind a frame, and more than 4 KiB, are a stranger', () => {
    const d = new DiallerHandshake(terms('n1', 1));
    expect(new AcceptorHandshake(terms('n2', 2)).receive(Buffer.concat([d.start(), Buffer.from([0])])).kind).toBe(
      'nonsense',
    );
    const a = new AcceptorHandshake(terms('n2', 2));
    const endless = Buffer.concat([MAGIC, Buffer.from([0xff, 0xff]), Buffer.alloc(4_100)]);
    expect(a.receive(endless.subarray(0, 12)).kind).toBe('nonsense');
  });
});

describe('payloads', () => {
  test.each([
    ['a map', '81a16101'],
    ['an extension: RegExp', '92d57878a16101'],
    ['an extension: record definition', 'd5724091a16101'],
    ['a reference', '91d6690000000170'],
    ['an array longer than the bytes', 'dd01c9c380'],
    ['a string longer than the bytes', '91d9ff61'],
    ['nesting without end', '91'.repeat(4_000)],
    ['two values', '9090'],
    ['nothing', ''],
    ['no array', 'a161'],
  ])('refuse %s', (_name, hex) => {
    expect(decodePayload(Buffer.from(hex, 'hex'))).toBeUndefined();
  });

  test('bring back what went in', () => {
    const value = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.double({ noNaN: true }).filter(number => !Number.isInteger(number)),
      fc.boolean(),
      fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(value, fc.array(value, { maxLength: 20 })), { maxLength: 20 }), fields => {
        expect(decodePayload(encodePayload(fields))).toEqual(fields);
      }),
    );
  });
});

describe('an identity', () => {
  test('comes back as it was, whatever its name', () => {
    const peer = { ...identity('__proto__', 'c1'), zone: 'Zürich', weight: 1.5 };
    expect(decodeIdentity(encodeIdentity(peer))).toEqual(peer);
  });

  test.each<[string, Partial<PeerIdentity>]>([
    ['no name', { name: '', actor: '.00' }],
    ['a name with a line break', { name: 'a\nb', actor: 'a\nb.00' }],
    ['a name that is too long', { name: 'n'.repeat(65), actor: `${'n'.repeat(65)}.00` }],
    ["another's actor", { actor: 'n9.00c0ffee00c0ffee' }],
    ['a port that is none', { bus: { host: 'h', port: 65_536 } }],
    ['a weight below nothing', { weight: -1 }],
    ['a weight without end', { weight: Number.POSITIVE_INFINITY }],
    ['a zone that rings', { zone: '\u0007' }],
  ])('with %s is none', (_case, wrong) => {
    expect(decodeIdentity(encodeIdentity({ ...identity('n1'), ...wrong }))).toBeUndefined();
  });
});

describe('docs/bus.md', () => {
  test('shows the handshake byte for byte', () => {
    const document = readFileSync(new URL('../../../docs/bus.md', import.meta.url), 'utf8');
    const shown = [...document.matchAll(/^\s+\d [→←]\s+((?:[0-9a-f]+\s+)+?)(?=^\s+\d [→←]|^```)/gm)].map(match =>
      match[1]!.replace(/\s/g, ''),
    );
    const { frames } = talk(terms('n1', 0x11), terms('n2', 0x22));
    expect(shown).toEqual(frames.map(frame => frame.toString('hex')));
  });
});
