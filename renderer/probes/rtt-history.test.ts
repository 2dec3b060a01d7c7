import { expect, test } from 'vitest';
import { appendRtt, sparkline } from './rtt-history.ts';

const point = (at: number, milliseconds: number | null = 1) => ({ at, milliseconds });

test('only newer points are added, and only so many are kept', () => {
  const one = appendRtt([], point(1));
  expect(appendRtt(one, point(1))).toBe(one);
  let many = one;
  for (let at = 2; at < 500; at += 1) many = appendRtt(many, point(at));
  expect(many).toHaveLength(120);
  expect(many.at(-1)?.at).toBe(499);
});

test('a lost packet is a gap in the line', () => {
  const { path } = sparkline([point(1), point(2), point(3, null), point(4)]);
  expect(path.match(/M/g)).toHaveLength(2);
  expect(path.match(/L/g)).toHaveLength(1);
  expect(sparkline([]).path).toBe('');
});
