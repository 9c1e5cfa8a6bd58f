import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize } from '../../src/config/units.ts';

describe('a size', () => {
  it.each([
    ['0', 0],
    ['4096', 4096],
    ['1k', 1000],
    ['1kb', 1024],
    ['1M', 1_000_000],
    ['512mb', 536_870_912],
    ['1.5gb', 1_610_612_736],
    ['64 kb', 65_536],
    ['7b', 7],
  ])('reads %s as %i bytes, as redis.conf would', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'mb', '-1', '1tb', '1.5', '0.3b', '1e6', '0x10', '1mbb', '1,5mb', '99999999999gb', 'Infinity'])(
    'is not %j',
    text => expect(parseSize(text)).toBeUndefined(),
  );

  it('is a whole and safe number or nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        const bytes = parseSize(text);
        return bytes === undefined || (Number.isSafeInteger(bytes) && bytes >= 0);
      }),
    );
  });
});

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
  ])('reads %s as %i milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '500', 's', '-1s', '1w', '0.5ms', '1s500ms'])('is not %j: a bare number does not say its unit', text => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
