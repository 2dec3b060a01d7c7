import { expect, test } from 'vitest';
import { isMeasured } from './measuring.ts';

const from = { kind: 'pod' as const, name: 'a-1', host: 'a' };
const to = { kind: 'pod' as const, name: 'b-1', host: 'b' };
const only = (own: { from?: string; to?: string }) => [
  { selection: { from: own.from ?? null, to: own.to ?? null, kinds: null }, since: 1000 },
];

test('a cell waits for as long as it is asked for and its result is from before', () => {
  expect(isMeasured([{ selection: null, since: 1000 }], from, to, 0)).toBe(true);
  expect(isMeasured([{ selection: null, since: 1000 }], from, to, 1000)).toBe(false);
  expect(isMeasured([], from, to, 0)).toBe(false);
});

test('a selection names an end, or any', () => {
  expect(isMeasured(only({ from: 'a-1' }), from, to, 0)).toBe(true);
  expect(isMeasured(only({ to: 'b-1' }), from, to, 0)).toBe(true);
  expect(isMeasured(only({ from: 'a-1', to: 'c-1' }), from, to, 0)).toBe(false);
  expect(isMeasured(only({ from: 'b-1' }), from, to, 0)).toBe(false);
});
