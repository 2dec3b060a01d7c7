import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromBase64, toBase64 } from './base64.ts';

test('it is what everybody else calls base64, both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
      expect(fromBase64(toBase64(bytes))).toEqual(bytes);
    }),
  );
});

test('a chunk of an upload does not overflow the stack', () => {
  const bytes = new Uint8Array(1024 * 1024).fill(255);
  expect(Buffer.compare(fromBase64(toBase64(bytes)), bytes)).toBe(0);
});
