/** The steps of the ramp, from fastest (0) to slowest; each is one strength of one hue. */
export const rampSteps = 6;

/** Where the ramp begins and ends, in ms of RTT. */
export interface RampRange {
  readonly low: number;
  readonly high: number;
}

/**
 * The range that tells the given times apart: from the fastest to the slowest, without the slowest hundredth, and at least four
 * times the fastest, so that a calm network does not look like a restless one. Null for no times.
 */
export function rampRange(milliseconds: readonly number[]): RampRange | null {
  const sorted = Float64Array.from(milliseconds.filter((value) => value > 0)).sort();
  const low = sorted[0];
  const high = sorted[Math.floor((sorted.length - 1) * 0.99)];
  if (low === undefined || high === undefined) return null;
  return { low, high: Math.max(high, low * 4) };
}

/** The step of a time on a logarithmic ramp: 0 to `rampSteps - 1`. */
export function rampStep(milliseconds: number, { low, high }: RampRange): number {
  const share = Math.log(Math.max(milliseconds, low) / low) / Math.log(high / low);
  return Math.min(rampSteps - 1, Math.max(0, Math.floor(share * rampSteps)));
}
