import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, expectTalk, halfDeafRelay, startBus, until } from './support.ts';

const MIB = 1_048_576;

afterEach(closeAll);

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
