import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, expectTalk, impostor, join, rawPeer, startBus, stranger, text, until } from './support.ts';

afterEach(closeAll);

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
