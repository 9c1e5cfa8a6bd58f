import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  closeAll,
  expectTalk,
  halfDeafRelay,
  impostor,
  join,
  rawPeer,
  startBus,
  stranger,
  text,
  until,
} from './support.ts';

const MIB = 1_048_576;

afterEach(closeAll);

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
