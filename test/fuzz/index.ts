import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import { fuzz } from './run.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

/*
 * `npm run fuzz -- --inputs 10000000`: feeds everything of the agent that reads what others have written with so many
 * inputs, and fails when one of them isn't survived, or memory or descriptors grow with their number. `--seed` and `--from`
 * make a run or an input again, `--target` names one target.
 */

const count = z.coerce.number().int().min(0);

/** What the process holds after a collection: resident memory and the heap in MiB, and open descriptors. */
function footprint(collect: () => void) {
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const mebi = (bytes: number) => Math.round(bytes / 2 ** 20);
  return {
    rss: mebi(rss),
    heap: mebi(heapUsed + external),
    descriptors: readdirSync('/proc/self/fd').length,
  };
}

/** V8's own collection, which without its flag nobody can ask for. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  return typeof found === 'function' ? () => void Reflect.apply(found, undefined, []) : () => {};
}

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
    target: { type: 'string' },
  },
});
const inputs = count.parse(values.inputs);
const from = count.parse(values.from);
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : count.parse(values.seed);
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) throw new Error(`the targets are ${targets.map(({ name }) => name).join(', ')}`);

const shares = chosen.reduce((sum, { share = 1 }) => sum + share, 0);
const inputsOf = ({ share = 1 }: Target) => Math.ceil((inputs * share) / shares);
const collect = collector();
const mostGrowth = 64;

console.log(`seed ${seed}, ${inputs} inputs`);
const began = performance.now();
let failed = false;
try {
  // Compiled code and the collector's own room come with the first inputs and are no growth.
  for (const target of chosen) fuzz(target, seed, from, Math.ceil(inputsOf(target) / 10));
  const before = footprint(collect);
  console.log(`start: RSS ${before.rss} MiB, heap ${before.heap} MiB, ${before.descriptors} descriptors`);
  for (const target of chosen) {
    const start = performance.now();
    fuzz(target, seed, from, inputsOf(target));
    const seconds = (performance.now() - start) / 1000;
    const rate = Math.round(inputsOf(target) / seconds);
    console.log(`${target.name}: ${inputsOf(target)} inputs in ${seconds.toFixed(1)} s, ${rate} a second`);
  }
  const after = footprint(collect);
  console.log(`end: RSS ${after.rss} MiB, heap ${after.heap} MiB, ${after.descriptors} descriptors`);
  failed =
    after.rss > before.rss + mostGrowth ||
    after.heap > before.heap + mostGrowth / 2 ||
    after.descriptors > before.descriptors;
  if (failed) console.log('memory or descriptors have grown');
} catch (error) {
  failed = true;
  console.log(error instanceof Error ? error.message : String(error));
}
console.log(`${failed ? 'failed' : 'passed'} after ${((performance.now() - began) / 1000).toFixed(0)} s`);
process.exitCode = failed ? 1 : 0;
