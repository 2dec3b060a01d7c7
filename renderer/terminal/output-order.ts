/** What to do with a chunk of output: write it, write it on a cleared screen because some before it are lost, or leave it. */
export type OutputStep = 'write' | 'replace' | 'ignore';

/**
 * Chunks are counted from 0. `expected` is the first that was not written yet, null before any was. A chunk that was written
 * comes again after a reconnection; a later one than expected means that those between are not kept any more.
 */
export function outputStep(expected: number | null, sequence: number): OutputStep {
  if (expected === null || sequence === expected) return 'write';
  return sequence < expected ? 'ignore' : 'replace';
}
