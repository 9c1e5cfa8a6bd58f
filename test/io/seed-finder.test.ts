import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LookUp, SeedFinder } from '../../src/io/seed-finder.ts';
import type { BusAddress } from '../../src/ports/outbox.ts';

const PORT = 16_379;

/** What a finder finds and says, one line each. */
function finderOf(join: readonly BusAddress[], lookUp: LookUp) {
  const lines: string[] = [];
  const log = { info: () => {}, warn: (event: string) => void lines.push(event), error: () => {} };
  const finder = new SeedFinder(join, log, ({ host, port }) => lines.push(`${host}:${port}`), lookUp);
  return { finder, taken: () => lines.splice(0) };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('A DNS name to join', () => {
  it('stands for all of its addresses, and for others a second later', async () => {
    let addresses = ['10.0.0.1'];
    const { finder, taken } = finderOf([{ host: 'nodes.example', port: PORT }], async () =>
      addresses.map(address => ({ address })),
    );
    finder.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(taken()).toEqual(['10.0.0.1:16379']);
    addresses = ['10.0.0.1', '10.0.0.2', 'fd00::3'];
    await vi.advanceTimersByTimeAsync(1_000);
    expect(taken()).toEqual(['10.0.0.1:16379', '10.0.0.2:16379', 'fd00::3:16379']);
    finder.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(taken()).toEqual([]);
  });

  it('that nobody knows yet is complained about once, and asked for again', async () => {
    let isKnown = false;
    const { finder, taken } = finderOf([{ host: 'nodes.example', port: PORT }], async () => {
      if (!isKnown) throw new Error('ENOTFOUND');
      return [{ address: '10.0.0.1' }];
    });
    finder.start();
    await vi.advanceTimersByTimeAsync(2_500);
    expect(taken()).toEqual(['cannot look up a node to join']);
    isKnown = true;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(taken()).toEqual(['10.0.0.1:16379']);
    finder.stop();
  });

  it('that is slow to look up keeps nobody waiting, and is not looked up twice at once', async () => {
    const join = ['slow.example', '10.0.0.9', 'nodes.example'].map(host => ({ host, port: PORT }));
    const answers: ((addresses: { address: string }[]) => void)[] = [];
    const { finder, taken } = finderOf(join, async host => {
      if (host === 'slow.example') return new Promise(resolve => answers.push(resolve));
      return [{ address: '10.0.0.1' }];
    });
    finder.start();
    await vi.advanceTimersByTimeAsync(5_500);
    expect(new Set(taken())).toEqual(new Set(['10.0.0.9:16379', '10.0.0.1:16379']));
    expect(answers).toHaveLength(1);
    finder.stop();
    answers[0]!([{ address: '10.0.0.2' }]);
    await vi.advanceTimersByTimeAsync(0);
    expect(taken()).toEqual([]);
  });
});
