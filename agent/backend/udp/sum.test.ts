import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sumWords } from './packet.ts';
import { sumIn } from './sum.ts';

const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
const { buffer } = memory;
const view = new DataView(buffer);
const sum = sumIn({ address: 0, buffer, memory });

/** RFC 1071 in another way: whole sum modulo 0xffff, where only a sum of nothing is 0. */
function plainSum(offset: number, length: number): number {
  let total = 0;
  for (let index = 0; index < length; index += 1)
    total += view.getUint8(offset + index) * (index % 2 === 0 ? 256 : 1);
  return total === 0 ? 0 : total % 0xffff || 0xffff;
}

test('the sum of any bytes at any place is that of their words', () => {
  expect(sum).not.toBe(sumWords);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 1500, size: 'max' }),
      fc.nat(200),
      fc.nat(1500),
      (bytes, offset, length) => {
        new Uint8Array(buffer, offset).set(bytes);
        expect(sum(view, offset, length)).toBe(plainSum(offset, length));
        expect(sumWords(view, offset, length)).toBe(plainSum(offset, length));
      },
    ),
    { numRuns: 500 },
  );
});

test('the largest sum of the longest packet does not overflow, and that of zeros is zero', () => {
  for (const byte of [0xff, 0]) {
    new Uint8Array(buffer).fill(byte);
    for (const length of [65535, 65534, 65472, 64, 63])
      expect([byte, length, sum(view, 7, length)]).toEqual([byte, length, plainSum(7, length)]);
  }
});

test('other memory is summed without WebAssembly, and so is all of it where there is none', () => {
  const other = new DataView(new Uint8Array(200).fill(1).buffer);
  expect(sum(other, 3, 150)).toBe(sumWords(other, 3, 150));
  expect(sumIn({ address: 0, buffer })).toBe(sumWords);
});
