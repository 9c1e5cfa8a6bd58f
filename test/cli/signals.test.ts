import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { onStopSignals } from '../../src/cli/signals.ts';

let nowMs = 0;
const calls: string[] = [];
const listeners = new Map<string, () => void>();

beforeEach(() => {
  nowMs = 1000;
  calls.length = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  vi.spyOn(process, 'on').mockImplementation((name, listener) => {
    listeners.set(String(name), listener as () => void);
    return process;
  });
});
afterEach(() => vi.restoreAllMocks());

function watch(ignore: readonly NodeJS.Signals[] = []): void {
  onStopSignals(
    signal => calls.push(`stop ${signal}`),
    signal => calls.push(`at once ${signal}`),
    ignore,
  );
}

it('the first signal asks to stop, a second one to stop at once', () => {
  watch();
  listeners.get('SIGTERM')!();
  nowMs += 600;
  listeners.get('SIGINT')!();
  expect(calls).toEqual(['stop SIGTERM', 'at once SIGINT']);
});

it('one Ctrl-C that arrives twice, from the terminal and through npm, is one', () => {
  watch();
  listeners.get('SIGINT')!();
  nowMs += 400;
  listeners.get('SIGINT')!();
  expect(calls).toEqual(['stop SIGINT']);
});

it('signals that are meant for the parent are left to it', () => {
  watch(['SIGINT']);
  listeners.get('SIGINT')!();
  listeners.get('SIGTERM')!();
  expect(calls).toEqual(['stop SIGTERM']);
});
