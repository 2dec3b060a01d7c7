import type { Random } from './random.ts';

/** One kind of input, and the code that has to take whatever comes. */
export interface Target {
  readonly name: string;
  /** How much of a run it gets, beside 1 for the others: an input that costs more gets less. */
  readonly share?: number;
  /** Makes one input, hands it over and checks what came of it; throws when that is not as it has to be. */
  feed(random: Random): void;
}

/** Throws when what has to hold doesn't. */
export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}
