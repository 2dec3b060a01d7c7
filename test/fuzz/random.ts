/** Random numbers that a seed and an input's number determine, so that any single input can be made again. */
export interface Random {
  /** Begins the series of one input. */
  restart(seed: number, input: number): void;
  /** A whole number from 0 to below a limit. */
  below(limit: number): number;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  chance(part: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** A 32-bit number, often one at which something wraps. */
  word(): number;
  bytes(length: number): Uint8Array;
}

const interesting = [
  0, 1, 2, 4, 7, 8, 15, 16, 19, 20, 21, 28, 40, 60, 63, 64, 65, 120, 127, 128, 255, 256, 1472, 1473, 0x3fff,
  0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
] as const;

/** mulberry32. */
export function createRandom(): Random {
  let state = 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const random: Random = {
    restart(seed, input) {
      state = Math.imul(seed ^ Math.imul(input + 1, 0x9e3779b1), 0x85ebca6b) >>> 0;
    },
    below: (limit) => Math.floor((next() / 2 ** 32) * limit),
    between: (least, most) => least + random.below(most - least + 1),
    chance: (part) => next() < part * 2 ** 32,
    pick: (from) => from[random.below(from.length)] ?? from[0],
    word: () => (random.chance(0.3) ? next() : random.pick(interesting)),
    bytes(length) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at += 1) bytes[at] = next() & 0xff;
      return bytes;
    },
  };
  return random;
}
