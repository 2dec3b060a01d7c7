import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Cidr,
  cidrAddress,
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4,
} from './ipv4.ts';

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const length = fc.integer({ min: 0, max: 32 });
const cidr = fc
  .tuple(address, length)
  .map(([value, bits]): Cidr => ({ base: value - (value % 2 ** (32 - bits)), length: bits }));

test('an address is what it was after it was written and read', () => {
  fc.assert(fc.property(address, (value) => parseIpv4(formatIpv4(value)) === value));
});

test('a range is what it was after it was written and read', () => {
  fc.assert(
    fc.property(cidr, (range) => {
      expect(parseCidr(formatCidr(range))).toEqual(range);
    }),
  );
});

test('known addresses', () => {
  expect(parseIpv4('0.0.0.0')).toBe(0);
  expect(parseIpv4('10.77.0.1')).toBe(0x0a4d0001);
  expect(parseIpv4('255.255.255.255')).toBe(2 ** 32 - 1);
  expect(formatIpv4(0xc0a83201)).toBe('192.168.50.1');
});

test.each([
  '',
  '10.0.0',
  '10.0.0.0.0',
  '10.0.0.256',
  '10.0.0.-1',
  '10.0.0.01',
  '010.0.0.1',
  '10.0.0.0x1',
  '10.0.0.1e1',
  '10.0.0.1 ',
  ' 10.0.0.1',
  '10.0.0.',
  '10..0.1',
  '10.0.0.1\n',
  '١.0.0.1',
  '::1',
  '167772161',
  '10.0.0.1000',
])('%j is no address', (text) => {
  expect(parseIpv4(text)).toBeNull();
  expect(parseCidr(`${text}/24`)).toBeNull();
});

test.each([
  '10.0.0.0',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/08',
  '10.0.0.0/8/8',
  '/8',
  '10.0.0.0/8 ',
  '10.0.0.0/1e1',
])('%j is no range', (text) => {
  expect(parseCidr(text)).toBeNull();
});

test('only what it writes itself is read: no text has two readings', () => {
  const part = fc.oneof(
    fc.nat(300).map(String),
    fc.constantFrom('', '00', '01', '1e1', '0x1', ' 1', '+1', '-0'),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), (parts) => {
      const text = parts.join('.');
      const value = parseIpv4(text);
      return value === null || formatIpv4(value) === text;
    }),
  );
});

test('an address inside a range is masked to its base', () => {
  fc.assert(
    fc.property(address, length, (value, bits) => {
      const range = parseCidr(`${formatIpv4(value)}/${bits}`);
      if (range === null) return false;
      // Bit by bit, as RFC 4632 says it.
      const mask = bits === 0 ? 0n : ((1n << 32n) - 1n) ^ ((1n << BigInt(32 - bits)) - 1n);
      return BigInt(range.base) === (BigInt(value) & mask) && cidrContains(range, value);
    }),
  );
});

test('a range contains its first and last address and not their neighbours', () => {
  fc.assert(
    fc.property(cidr, (range) => {
      const last = cidrAddress(range, cidrSize(range) - 1);
      expect(cidrContains(range, range.base)).toBe(true);
      expect(cidrContains(range, last)).toBe(true);
      expect(cidrContains(range, range.base - 1)).toBe(false);
      expect(cidrContains(range, last + 1)).toBe(false);
    }),
  );
});

/** A range near another one, so that all ways of meeting occur. */
const near = cidr.chain((range) =>
  fc.tuple(
    fc.constant(range),
    fc.tuple(fc.integer({ min: -3, max: 3 }), length).map(([steps, bits]): Cidr => {
      const around = Math.min(Math.max(range.base + steps * cidrSize(range), 0), 2 ** 32 - 1);
      return { base: around - (around % 2 ** (32 - bits)), length: bits };
    }),
  ),
);

test('two ranges overlap when one holds the ends of the other, and it does not matter which is asked', () => {
  let overlaps = 0;
  let apart = 0;
  fc.assert(
    fc.property(near, ([one, other]) => {
      const last = (range: Cidr) => range.base + cidrSize(range) - 1;
      const expected = one.base <= last(other) && other.base <= last(one);
      if (expected) overlaps += 1;
      else apart += 1;
      expect(cidrsOverlap(one, other)).toBe(expected);
      expect(cidrsOverlap(other, one)).toBe(expected);
      // CIDR blocks never overlap in part.
      const [large, small] = one.length <= other.length ? [one, other] : [other, one];
      expect(cidrContains(large, small.base) && cidrContains(large, last(small))).toBe(expected);
    }),
    { numRuns: 500 },
  );
  expect(overlaps).toBeGreaterThan(20);
  expect(apart).toBeGreaterThan(20);
});
