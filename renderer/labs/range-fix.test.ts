import { expect, test } from 'vitest';
import { proposedRange } from './range-fix.ts';

const clash = (message: string) => ({ code: 'range-clash' as const, message, hint: '' });

test('the range that is proposed goes where the clashing one stands', () => {
  const told = (key: string) =>
    clash(`The overlay 10.77.0.0/16 (${key}) overlaps 10.0.0.0/8 (route on eth0). 10.80.0.0/16 is free.`);
  expect(proposedRange(told('network.cidr'))).toEqual({ kind: 'overlay', value: '10.80.0.0/16' });
  expect(proposedRange(told('underlay.cidr'))).toEqual({ kind: 'underlay', value: '10.80.0.0/16' });
});

test('no proposal, no fix', () => {
  expect(proposedRange(clash('… No range of that size is free.'))).toBeNull();
  expect(proposedRange({ code: 'lab-busy', message: '10.80.0.0/16 is free', hint: '' })).toBeNull();
});
