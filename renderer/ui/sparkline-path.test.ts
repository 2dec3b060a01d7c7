import { expect, test } from 'vitest';
import { largest, sparklinePaths } from './sparkline-path.ts';

const frame = { from: 0, to: 10_000, top: 10, width: 100, height: 20 };

test('moments become places across, values heights from the bottom', () => {
  const { line, area } = sparklinePaths(
    [
      { at: 0, value: 0 },
      { at: 5000, value: 5 },
      { at: 10_000, value: 10 },
    ],
    frame,
  );
  expect(line).toBe('M0.0 20.0L50.0 10.0L100.0 0.0');
  expect(area).toBe('M0.0 20L0.0 20.0L50.0 10.0L100.0 0.0L100.0 20Z');
});

test('a missing value and a long silence are gaps', () => {
  const missing = sparklinePaths(
    [
      { at: 0, value: 1 },
      { at: 1000, value: 1 },
      { at: 2000, value: null },
      { at: 3000, value: 1 },
    ],
    frame,
  );
  expect(missing.line.match(/M/g)).toHaveLength(2);
  const silent = sparklinePaths(
    [
      { at: 0, value: 1 },
      { at: 60_000, value: 1 },
    ],
    { ...frame, to: 60_000 },
  );
  expect(silent.line.match(/M/g)).toHaveLength(2);
});

test('nothing is an empty line, one value a dot, and too much stays inside', () => {
  expect(sparklinePaths([], frame)).toEqual({ line: '', area: '' });
  expect(sparklinePaths([{ at: 5000, value: 99 }], frame).line).toBe('M50.0 0.0h0');
  expect(sparklinePaths([{ at: 0, value: 0 }], { ...frame, top: 0, to: 0 }).line).not.toContain('NaN');
});

test('the largest value, of those that there are', () => {
  expect(
    largest([
      { at: 0, value: null },
      { at: 1, value: 3 },
      { at: 2, value: 2 },
    ]),
  ).toBe(3);
  expect(largest([{ at: 0, value: null }])).toBeNull();
});
