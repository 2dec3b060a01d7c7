import { createRandom } from './random.ts';
import type { Target } from './target.ts';

/** Feeds a target with inputs `from`, `from` + 1…; throws at the first that it doesn't survive, and says how to make it again. */
export function fuzz(target: Target, seed: number, from: number, inputs: number): void {
  const random = createRandom();
  for (let input = from; input < from + inputs; input += 1) {
    random.restart(seed, input);
    try {
      target.feed(random);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const again = `--target ${target.name} --seed ${seed} --from ${input} --inputs 1`;
      throw new Error(`${target.name}: ${again} fails: ${reason}`, { cause: error });
    }
  }
}
