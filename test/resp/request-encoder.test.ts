import { describe, expect, it } from 'vitest';
import { encodeRequest } from '../../src/resp/request-encoder.ts';

describe('a request', () => {
  it('is a multibulk command, its text in UTF-8 and its bytes as they are', () => {
    expect(encodeRequest(['SET', 'é', Buffer.of(0, 255)]).toString('latin1')).toBe(
      '*3\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$2\r\n\x00\xff\r\n',
    );
  });

  it('may have empty arguments, or none', () => {
    expect(String(encodeRequest([]))).toBe('*0\r\n');
    expect(String(encodeRequest(['', new Uint8Array(0)]))).toBe('*2\r\n$0\r\n\r\n$0\r\n\r\n');
  });
});
