import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { DiallerHandshake, PROTOCOL_OFFER } from '../../../src/io/bus/handshake.ts';
import type { BusAddress } from '../../../src/ports/outbox.ts';
import { closeAll, join, startBus, stranger, type TestBus, text, until } from './support.ts';

const MIB = 1_048_576;
const servers: Server[] = [];

afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) server.close();
});

/** A server that is no bus. */
function impostor(onSocket: (socket: Socket) => void): Promise<BusAddress> {
  const server = createServer(socket => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  servers.push(server);
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ host: '127.0.0.1', port: (server.address() as { port: number }).port }),
    ),
  );
}

/** A dialler of our own making, past the handshake with `to`. */
async function rawPeer(to: TestBus, name: string): Promise<Socket> {
  const socket = await stranger(to.address);
  const handshake = new DiallerHandshake({
    identity: { ...to.identity, name, actor: `${name}.0f` },
    secret: 'secret',
    nonce: randomBytes(32),
    offer: PROTOCOL_OFFER,
    judge: () => undefined,
  });
  socket.write(handshake.start());
  await new Promise<void>((resolve, reject) => {
    socket.on('data', chunk => {
      const outcome = handshake.receive(chunk);
      if (outcome.kind === 'continue') return outcome.reply === undefined || socket.write(outcome.reply);
      socket.removeAllListeners('data');
      return outcome.kind === 'done' ? resolve() : reject(new Error(outcome.kind));
    });
  });
  return socket;
}

/** Whether a message still passes from one to the other. */
async function expectTalk(from: TestBus, to: TestBus): Promise<void> {
  const word = randomBytes(8).toString('hex');
  expect(from.bus.send(to.identity.name, Buffer.from(word))).toBe(true);
  await until(() => to.messages.some(({ message }) => text(message) === word));
}

describe('two buses', () => {
  test('hear each other and exchange messages, each on its own link', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    await join(a, b);
    expect(a.bus.send('b', Buffer.from('head '), Buffer.from('body'))).toBe(true);
    await until(() => b.messages.length === 1);
    expect(b.messages.map(({ from, message }) => [from, text(message)])).toEqual([['a', 'head body']]);
    await expectTalk(b, a);
    expect(a.bus.agreement('b')?.peer).toEqual(b.identity);
    expect(a.bus.send('nobody', Buffer.from('x'))).toBe(false);
  });

  test('keep the order of small messages and the bytes of long ones', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    await join(a, b);
    const long = [randomBytes(3 * MIB), randomBytes(70_000), randomBytes(MIB)];
    for (let i = 0; i < 3_000; i++) {
      expect(a.bus.send('b', Buffer.from(`${i}`), Buffer.alloc(i % 7 === 0 ? 5_000 : 5))).toBe(true);
      if (i % 1_000 === 0) a.bus.send('b', Buffer.from('long'), long[i / 1_000]);
    }
    await until(() => b.messages.length === 3_003);
    const isLong = ({ message }: { message: Buffer }): boolean => text(message.subarray(0, 4)) === 'long';
    const small = b.messages.filter(message => !isLong(message));
    expect(small.map(({ message }) => Number.parseInt(text(message), 10))).toEqual([...Array(3_000).keys()]);
    const received = b.messages.filter(isLong);
    expect(received.map(({ message }, i) => message.subarray(4).equals(long[i]!))).toEqual([true, true, true]);
  });

  test('let small messages pass a long one, and an ordered one pass nothing', async () => {
    const order: string[] = [];
    const onMessage = (_from: string, message: Buffer): void =>
      void order.push(message.length > MIB ? 'long' : text(message));
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b', onMessage })];
    await join(a, b);
    a.bus.send('b', Buffer.alloc(64 * MIB - 1_000));
    expect(a.bus.sendOrdered('b', Buffer.from('barrier'))).toBe(true);
    for (let i = 0; i < 10; i++) {
      const probe = `probe ${i}`;
      expect(a.bus.send('b', Buffer.from(probe))).toBe(true);
      await until(() => order.includes(probe));
      if (i < 5) expect(order).not.toContain('long');
    }
    await until(() => order.includes('barrier'));
    expect(order.indexOf('long')).toBeLessThan(order.indexOf('barrier'));
  });

  test('report a restarted peer as down before it is up as another actor', async () => {
    const a = await startBus({ name: 'a' });
    const before = await startBus({ name: 'b', start: '01' });
    await join(a, before);
    await before.bus.close(0);
    const after = await startBus({ name: 'b', start: '02', port: before.address.port });
    after.bus.dial(a.address);
    await until(() => a.reports.includes('up b.02') && a.reports.includes('heard b.02'));
    expect(a.reports.filter(report => !/heard|silent/.test(report))).toEqual(['up b.01', 'down b', 'up b.02']);
    expect(a.reports.filter(report => /heard|silent/.test(report))).toEqual([
      'heard b.01',
      'silent b.01',
      'heard b.02',
    ]);
    await expectTalk(a, after);
  });

  test('replace the link to an actor that is gone as soon as its successor is heard', async () => {
    // The first `b` stands still: nothing ends its connections.
    const a = await startBus({ name: 'a' });
    const old = await startBus({ name: 'b', start: '01' });
    await join(a, old);
    const successor = await startBus({ name: 'b', start: '02' });
    a.bus.dial(successor.address);
    await until(() => a.reports.includes('up b.02'));
    expect(a.reports.filter(report => !/heard|silent/.test(report))).toEqual(['up b.01', 'down b', 'up b.02']);
    successor.bus.dial(a.address);
    await until(() => a.reports.includes('heard b.02'));
    expect(a.reports.indexOf('silent b.01')).toBeLessThan(a.reports.indexOf('heard b.02'));
  });

  test('dial a peer again as soon as it is heard as another actor, though the old connection still stands', async () => {
    const a = await startBus({ name: 'a', limits: { stallTimeoutMs: 1e9 } });
    const old = await startBus({ name: 'b', start: '01' });
    const relay = await halfDeafRelay(old.address);
    a.bus.dial(relay.address);
    await until(() => a.reports.includes('up b.01'));
    const successor = await startBus({ name: 'b', start: '02' });
    relay.lead(successor.address);
    successor.bus.dial(a.address);
    await until(() => a.reports.includes('up b.02'));
    expect(a.reports.indexOf('down b')).toBeLessThan(a.reports.indexOf('up b.02'));
    await expectTalk(a, successor);
  });

  test('find each other again after the connection breaks', async () => {
    const a = await startBus({ name: 'a' });
    const relayed: Socket[] = [];
    const b = await startBus({ name: 'b' });
    const relay = await impostor(async socket => {
      const onward = await stranger(b.address);
      relayed.push(socket, onward);
      socket.pipe(onward).on('error', () => {});
      onward.pipe(socket);
    });
    a.bus.dial(relay);
    for (let round = 1; round <= 3; round++) {
      await until(() => a.reports.filter(report => report === 'up b.0a').length === round);
      await expectTalk(a, b);
      for (const socket of relayed.splice(0)) socket.destroy();
      await until(() => a.reports.filter(report => report === 'down b').length === round);
    }
  });

  test('dial at once, whatever the back-off, when the peer is heard', async () => {
    const a = await startBus({ name: 'a', limits: { backoffMinMs: 1_000_000, backoffMaxMs: 1_000_000 } });
    const nobody = await startBus({ name: 'b' });
    await nobody.bus.close(0);
    a.bus.dial(nobody.address);
    await until(() => a.logs.some(line => line.event === 'no link'));
    const b = await startBus({ name: 'b', port: nobody.address.port });
    b.bus.dial(a.address);
    await until(() => a.reports.includes('up b.0a'));
  });

  test('send what is queued before they close', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    await join(a, b);
    a.bus.send('b', randomBytes(5 * MIB));
    for (let i = 0; i < 100; i++) a.bus.send('b', Buffer.from(`${i}`));
    await a.bus.close(10_000);
    await until(() => b.messages.length === 101);
    await until(() => b.reports.includes('silent a.0a') && b.reports.includes('down a'));
  });

  test('close in time although the other side reads nothing', async () => {
    const a = await startBus({ name: 'a' });
    const b = await startBus({ name: 'b' });
    const relay = await halfDeafRelay(b.address);
    a.bus.dial(relay.address);
    await until(() => a.reports.includes('up b.0a'));
    relay.deafen();
    a.bus.send('b', Buffer.alloc(40 * MIB));
    await a.bus.close(50);
    expect(a.reports).not.toContain('down b');
  });

  test('dial nobody again while they close', async () => {
    const a = await startBus({ name: 'a', limits: { backoffMinMs: 1, backoffMaxMs: 1 } });
    const [b, c] = [await startBus({ name: 'b' }), await startBus({ name: 'c' })];
    const [toB, toC] = [await halfDeafRelay(b.address), await halfDeafRelay(c.address)];
    a.bus.dial(toB.address);
    a.bus.dial(toC.address);
    await until(() => a.reports.includes('up b.0a') && a.reports.includes('up c.0a'));
    toC.deafen();
    a.bus.send('c', Buffer.alloc(40 * MIB));
    await a.bus.close(300);
    expect([toB.dials(), toC.dials()]).toEqual([1, 1]);
  });
});

describe('one peer', () => {
  test('has one link, however many addresses lead to it', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    a.bus.dial({ host: 'localhost', port: b.address.port });
    a.bus.dial(b.address);
    a.bus.dial(b.address);
    await until(() => a.reports.includes('up b.0a'));
    await expectTalk(a, b);
    a.bus.dial({ host: '127.0.0.2', port: b.address.port }); // the listener is on 127.0.0.1 alone
    await until(() => a.logs.some(line => line.event === 'no link'));
    expect(a.reports).toEqual(['up b.0a']);
    expect(b.reports).toEqual(['heard a.0a']);
  });

  test('is reached by its other address when the first is given up', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    a.bus.dial(b.address);
    await until(() => a.reports.includes('up b.0a'));
    a.bus.dial({ host: 'localhost', port: b.address.port });
    await expectTalk(a, b);
    a.bus.hangUp(b.address);
    expect(a.bus.send('b', Buffer.from('x'))).toBe(false);
    expect(a.reports).toEqual(['up b.0a']); // never called back from within a call
    await until(() => a.reports.length === 3);
    expect(a.reports).toEqual(['up b.0a', 'down b', 'up b.0a']);
    await expectTalk(a, b);
  });

  test('that is oneself is given up, quietly', async () => {
    const a = await startBus({ name: 'a' });
    const seen: number[] = [];
    const relay = await impostor(async socket => {
      seen.push(1);
      const onward = await stranger(a.address);
      socket.pipe(onward).on('error', () => {});
      onward.pipe(socket);
      socket.on('close', () => seen.push(0));
    });
    a.bus.dial(relay); // also what an attacker could do who relays our words to ourselves
    await until(() => seen.includes(0));
    expect([a.reports, a.logs]).toEqual([[], []]);
    expect(seen).toEqual([1, 0]);
  });

  test('has one incoming link, the newest, and nothing comes of the one before', async () => {
    const a = await startBus({ name: 'a' });
    const first = await rawPeer(a, 'raw');
    first.resume();
    const second = await rawPeer(a, 'raw');
    second.resume();
    first.write(Buffer.from('\0\0\0\u0003old', 'latin1'));
    await until(() => first.destroyed);
    second.write(Buffer.from('\0\0\0\u0002ok', 'latin1'));
    await until(() => a.messages.length > 0);
    expect(a.messages.map(({ message }) => text(message))).toEqual(['ok']);
    expect(a.reports).toEqual(['heard raw.0f', 'heard raw.0f']);
  });

  test('is not dialled after hangUp', async () => {
    const a = await startBus({ name: 'a', limits: { backoffMinMs: 1, backoffMaxMs: 1 } });
    let dialled = 0;
    const address = await impostor(socket => {
      dialled++;
      socket.destroy();
    });
    a.bus.dial(address);
    await until(() => dialled > 3);
    a.bus.hangUp(address);
    const marker = await startBus({ name: 'm' });
    const at = dialled;
    await join(a, marker); // time for a dial or two
    expect(dialled - at).toBeLessThanOrEqual(1);
  });
});

describe('a refusal', () => {
  test.each([
    ['another secret', { secret: 'guess' }, 'the cluster secret differs'],
    ['another cluster', { clusterId: 'c2' }, 'clusters c1 and c2 are two'],
    [
      'another version',
      { offer: { versionMin: 2, versionMax: 2, features: [] } },
      'bus versions 2 to 2 and 1 to 1 do not meet',
    ],
  ])('for %s is reported and logged once, however often it is retried', async (_case, options, reason) => {
    const a = await startBus({ name: 'a' });
    const b = await startBus({ name: 'b', ...options, limits: { backoffMinMs: 1, backoffMaxMs: 2 } });
    let tries = 0;
    const relay = await impostor(async socket => {
      tries++;
      const onward = await stranger(a.address);
      socket.pipe(onward).on('error', () => {});
      onward.pipe(socket);
    });
    b.bus.dial(relay);
    await until(() => tries >= 5);
    expect(b.reports).toEqual([`refused ${reason}`]);
    expect(b.logs.map(line => line.event)).toEqual(['link refused']);
    expect(a.reports).toEqual([]);
    expect(a.logs.filter(line => line.event === 'turned a node away').length).toBeLessThanOrEqual(1);
  });
});

describe('a stranger', () => {
  test('is cut off, and nobody else notices', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    await join(a, b);
    const strangers: Socket[] = [];
    for (let i = 0; i < 60; i++) {
      const socket = await stranger(a.address);
      socket.on('error', () => {});
      socket.resume();
      const bytes = randomBytes(1 + ((i * 97) % 6_000));
      if (i % 3 === 0) socket.write(Buffer.concat([Buffer.from('COTERIE\n'), bytes]));
      else if (i % 3 === 1) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      else socket.write(bytes);
      if (i % 4 === 0) socket.end();
      strangers.push(socket);
    }
    await expectTalk(a, b);
    await expectTalk(b, a);
    // Those whose bytes can't become a frame are gone at once; a frame's beginning waits for the deadline.
    await until(() => strangers.filter((_, i) => i % 3 !== 0).every(socket => socket.destroyed));
    expect([...a.reports].sort()).toEqual(['heard b.0a', 'up b.0a']);
  });

  test('that says nothing has its deadline', async () => {
    const a = await startBus({ name: 'a', limits: { handshakeTimeoutMs: 30 } });
    const silent = await stranger(a.address);
    silent.resume();
    await until(() => silent.destroyed);
  });

  test('is the oldest of too many that gives way', async () => {
    const a = await startBus({ name: 'a', limits: { maxHalfOpen: 3 } });
    const b = await startBus({ name: 'b' });
    const strangers: Socket[] = [];
    for (let i = 0; i < 5; i++) {
      const socket = await stranger(a.address);
      socket.on('error', () => {});
      strangers.push(socket.resume());
    }
    await until(() => strangers[0]!.destroyed && strangers[1]!.destroyed);
    b.bus.dial(a.address);
    await until(() => b.reports.includes('up a.0a'));
    expect(strangers.map(socket => socket.destroyed).slice(3)).toEqual([false, false]);
  });

  test('that never answers a dial is left after the deadline, for another try', async () => {
    let dialled = 0;
    const address = await impostor(() => dialled++);
    const a = await startBus({ name: 'a', limits: { handshakeTimeoutMs: 20, backoffMinMs: 1, backoffMaxMs: 1 } });
    a.bus.dial(address);
    await until(() => dialled >= 3);
    expect(a.logs.filter(line => line.event === 'no link')).toHaveLength(1);
  });

  test('that echoes our words is no peer', async () => {
    const a = await startBus({ name: 'a' });
    a.bus.dial(await impostor(socket => socket.pipe(socket)));
    await until(() => a.logs.some(line => line.fields?.['reason'] === 'what answers is no node of a cluster'));
    expect(a.reports).toEqual([]);
  });

  test('with a name and a secret, who then sends garbage, loses that link alone', async () => {
    const [a, b] = [await startBus({ name: 'a' }), await startBus({ name: 'b' })];
    await join(a, b);
    const raw = await rawPeer(a, 'raw');
    raw.on('error', () => {});
    raw.write(Buffer.from('00000002', 'hex'));
    raw.write('ok');
    raw.write(randomBytes(10_000).fill(0xff, 0, 1));
    await until(() => a.reports.includes('silent raw.0f'));
    expect(a.messages.map(({ message }) => text(message))).toEqual(['ok']);
    await expectTalk(a, b);
    await expectTalk(b, a);
  });

  test('an address that is no address is one more failure', async () => {
    const a = await startBus({ name: 'a' });
    a.bus.dial({ host: '127.0.0.1', port: 70_000 });
    a.bus.dial({ host: '127.0.0.1', port: -1 });
    a.bus.hangUp({ host: '127.0.0.1', port: 70_000 });
    expect(a.reports).toEqual([]);
  });
});

/** A relay that can stop reading the dialler's bytes, as a stopped process would. */
async function halfDeafRelay(
  first: BusAddress,
): Promise<{ address: BusAddress; deafen(): void; hear(): void; dials(): number; lead(to: BusAddress): void }> {
  let to = first;
  let deaf = false;
  let dials = 0;
  const sockets: Socket[] = [];
  const address = await impostor(async socket => {
    dials++;
    sockets.push(socket);
    const onward = await stranger(to);
    onward.on('error', () => {});
    socket.on('data', chunk => onward.write(chunk));
    socket.on('close', () => onward.destroy());
    onward.on('data', chunk => socket.write(chunk));
    onward.on('close', () => socket.destroy());
    if (deaf) socket.pause();
  });
  return {
    address,
    dials: () => dials,
    /** Connections from now on end there. */
    lead(next) {
      to = next;
    },
    deafen() {
      deaf = true;
      for (const socket of sockets) socket.pause();
    },
    hear() {
      deaf = false;
      for (const socket of sockets) socket.resume();
    },
  };
}

/** The kernel's buffers may grow while they fill, so pressure may come and go more than once; never twice the same. */
function expectAlternating(reports: string[]): void {
  expect(reports.length).toBeGreaterThanOrEqual(2);
  expect(reports.length % 2).toBe(0);
  expect(reports).toEqual(reports.map((_, i) => `pressure ${i % 2 === 0}`));
}

describe('a peer that reads nothing', () => {
  const small = { maxQueueBytes: 4 * MIB, highWaterBytes: 2 * MIB, lowWaterBytes: MIB / 2 };

  test('costs the bound of its queue and not a byte more', async () => {
    const a = await startBus({ name: 'a', limits: { ...small, stallTimeoutMs: 1e9, pressureStallMs: 1e9 } });
    const b = await startBus({ name: 'b' });
    const relay = await halfDeafRelay(b.address);
    a.bus.dial(relay.address);
    await until(() => a.reports.includes('up b.0a'));
    relay.deafen();
    const head = Buffer.alloc(1_000, 1);
    const body = Buffer.alloc(30_000, 2);
    let sent = 0;
    let peak = 0;
    // Fill the kernel's buffers first, then the queue, until it stays full.
    for (let full = 0; full < 50; ) {
      full++;
      while (a.bus.send('b', head, body)) {
        sent++;
        full = 0;
      }
      peak = Math.max(peak, a.bus.queuedBytes('b'));
      await new Promise(setImmediate);
    }
    expect(peak).toBeLessThan(small.maxQueueBytes + 2 * MIB); // and the write that the kernel has begun
    expect(a.bus.queuedBytes()).toBe(a.bus.queuedBytes('b'));
    await until(() => a.bus.congested());
    expect(a.reports.slice(0, 2)).toEqual(['up b.0a', 'pressure true']);
    relay.hear();
    await until(() => b.messages.length === sent);
    await until(() => !a.bus.congested());
    await until(() => a.bus.queuedBytes() === 0);
    expectAlternating(a.reports.slice(1));
  });

  test('holds up the node for a moment, then no more, and is at last dialled again', async () => {
    const a = await startBus({ name: 'a', limits: { ...small, pressureStallMs: 300, stallTimeoutMs: 900 } });
    const b = await startBus({ name: 'b' });
    const relay = await halfDeafRelay(b.address);
    a.bus.dial(relay.address);
    await until(() => a.reports.includes('up b.0a'));
    relay.deafen();
    for (let i = 0; i < 2_000 && !a.bus.congested(); i++) {
      while (a.bus.send('b', Buffer.alloc(20_000)));
      await new Promise(setImmediate);
    }
    await until(() => a.bus.congested());
    await until(() => !a.bus.congested());
    expect(a.bus.agreement('b')).toBeDefined(); // up, and full, and yet no reason to slow down
    await until(() => a.reports.includes('down b'));
    expectAlternating(a.reports.slice(1, -1));
    expect(a.reports.at(-1)).toBe('down b');
    expect(a.logs.at(-1)?.fields?.['reason']).toBe('no progress for 900 ms');
    expect(a.bus.queuedBytes()).toBe(0);
    relay.hear();
    await until(() => a.reports.filter(report => report === 'up b.0a').length === 2);
    expect(relay.dials()).toBeGreaterThanOrEqual(2);
    await expectTalk(a, b);
  });

  test('is found out though the kernel takes every byte', async () => {
    // As in a network that swallows: a few bytes a second would fill no buffer in hours.
    const a = await startBus({ name: 'a', limits: { stallTimeoutMs: 200 } });
    const b = await startBus({ name: 'b' });
    const relay = await halfDeafRelay(b.address);
    a.bus.dial(relay.address);
    await until(() => a.reports.includes('up b.0a'));
    relay.deafen();
    expect(a.bus.send('b', Buffer.from('anyone?'))).toBe(true);
    await until(() => a.reports.includes('down b'));
  });

  test('is not suspected while there is nothing to read, or while it reads', async () => {
    const a = await startBus({ name: 'a', limits: { stallTimeoutMs: 150 } });
    const b = await startBus({ name: 'b' });
    a.bus.dial(b.address);
    await until(() => a.reports.includes('up b.0a'));
    const end = performance.now() + 600;
    await until(() => {
      if (performance.now() > end - 300) a.bus.send('b', Buffer.alloc(100));
      return performance.now() > end;
    });
    expect(a.reports).toEqual(['up b.0a']);
  });

  test('lets its neighbours have their messages', async () => {
    const a = await startBus({ name: 'a', limits: small });
    const [b, c] = [await startBus({ name: 'b' }), await startBus({ name: 'c' })];
    const relay = await halfDeafRelay(b.address);
    a.bus.dial(relay.address);
    a.bus.dial(c.address);
    await until(() => a.reports.includes('up b.0a') && a.reports.includes('up c.0a'));
    relay.deafen();
    while (a.bus.send('b', Buffer.alloc(20_000)));
    await expectTalk(a, c);
  });
});
