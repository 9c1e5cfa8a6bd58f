import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, MalformedMessageError } from '../../src/lib/byte-reader.ts';
import { ByteWriter } from '../../src/lib/byte-writer.ts';
import { equalsInConstantTime } from '../../src/lib/constant-time.ts';
import { crc16 } from '../../src/lib/crc16.ts';
import { slotOf } from '../../src/lib/slots.ts';

const field = fc.oneof(
  fc.record({ kind: fc.constant('u8' as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant('u16' as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant('u32' as const), value: fc.nat(0xffff_ffff) }),
  fc.record({ kind: fc.constant('f64' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'grapheme' }) }),
  fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 9000 }).map(Buffer.from) }),
);

function write(out: ByteWriter, { kind, value }: { kind: string; value: unknown }): void {
  (out as unknown as Record<string, (value: unknown) => void>)[kind]!(value);
}

function read(input: ByteReader, { kind }: { kind: string }): unknown {
  return (input as unknown as Record<string, () => unknown>)[kind]!();
}

describe('ByteReader and ByteWriter', () => {
  it('read what was written, and refuse every message that ends too early', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 12 }), fc.nat(), (fields, cut) => {
        const out = new ByteWriter(16);
        for (const each of fields) write(out, each);
        const message = Buffer.from(out.view());
        const input = new ByteReader();
        input.open(message);
        expect(fields.map(each => read(input, each))).toEqual(fields.map(({ value }) => value));
        expect(input.remaining).toBe(0);
        input.open(message.subarray(0, cut % message.length));
        expect(() => fields.map(each => read(input, each))).toThrow(MalformedMessageError);
      }),
    );
  });

  it('a count that the message could not hold is refused before anything is made for it', () => {
    const input = new ByteReader();
    input.open(Buffer.from('ffffffff00', 'hex'));
    expect(() => input.count(1)).toThrow(MalformedMessageError);
  });
});

describe('slots', () => {
  it('are those of Redis Cluster, hash tags included', () => {
    expect(crc16(Buffer.from('123456789'))).toBe(0x31c3);
    expect(slotOf(Buffer.from('foo'))).toBe(12_182);
    expect(slotOf(Buffer.from('{user1000}.following'))).toBe(slotOf(Buffer.from('{user1000}.followers')));
    expect(slotOf(Buffer.from('foo{}{bar}'))).toBe(crc16(Buffer.from('foo{}{bar}')) & 16_383);
    expect(slotOf(Buffer.from('foo{{bar}}zap'))).toBe(crc16(Buffer.from('{bar')) & 16_383);
  });
});

describe('equalsInConstantTime', () => {
  it('holds for equal bytes and no others', () => {
    const bytes = fc.uint8Array({ maxLength: 20 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(equalsInConstantTime(a, a.slice())).toBe(true);
        expect(equalsInConstantTime(a, b)).toBe(Buffer.from(a).equals(b));
      }),
    );
  });
});
