import { describe, expect, it } from 'vitest';
import { LoneStart } from '../../src/io/lone-start.ts';

describe('A node that founded alone', () => {
  it('is a mistake when another cluster misses it within 15 s, for the reason that came first', () => {
    const start = new LoneStart(1_000);
    expect(start.mistakenBecause).toBe(undefined);
    start.missed('first', 15_999);
    start.missed('second', 15_999);
    expect(start.mistakenBecause).toBe('first');
  });

  it('goes on once it has been there for longer', () => {
    const start = new LoneStart(1_000);
    start.missed('late', 16_000);
    expect(start.mistakenBecause).toBe(undefined);
  });
});
