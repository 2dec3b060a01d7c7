import { expect, test } from 'vitest';
import { isWithin } from './address.ts';

test.each([
  ['10.77.1.1/24', '10.77.1.0/24', true],
  ['10.77.1.1/24', '10.77.0.0/16', true],
  ['10.77.1.1/16', '10.77.1.0/24', false],
  ['172.17.0.1/16', '10.77.1.0/24', false],
  ['10.77.1.255', '10.77.1.0/24', true],
  ['10.77.2.0', '10.77.1.0/24', false],
  ['255.255.255.255', '0.0.0.0/0', true],
])('%s within %s: %s', (inner, outer, within) => {
  expect(isWithin(inner, outer)).toBe(within);
});

test.each(['', '10.77.1', '10.77.1.256/24', '10.77.1.1/33', '10.77.1.1/x', 'fe80::1/64'])(
  'what is no range is in none: %j',
  (text) => {
    expect(isWithin(text, '0.0.0.0/0')).toBe(false);
    expect(isWithin('10.0.0.1', text)).toBe(false);
  },
);
