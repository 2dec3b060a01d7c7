import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { targets } from './targets.ts';

/* A short run of `npm run fuzz`, always the same: what is random must not fail a change that has nothing to do with it. */

const inputs = 2000;

test.each(targets)('$name survives whatever comes', (target) => {
  expect(() => fuzz(target, 1, 0, inputs)).not.toThrow();
});
