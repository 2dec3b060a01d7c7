import type { Sample } from '../../contract/live.ts';
import type { TimedValue } from '../ui/sparkline-path.ts';

type Pick = (sample: Sample) => number | null;

/** What a host's samples are read for. Rates are bytes a second, drops are packets a second. */
const readings = {
  cpu: ({ cpu }) => cpu,
  steal: ({ steal }) => steal,
  memory: ({ memoryBytes }) => memoryBytes,
  overlayReceived: ({ overlay }) => overlay?.receivedBytes ?? null,
  overlaySent: ({ overlay }) => overlay?.sentBytes ?? null,
  underlayReceived: ({ underlay }) => underlay?.receivedBytes ?? null,
  underlaySent: ({ underlay }) => underlay?.sentBytes ?? null,
  overlayDrops: ({ overlay }) => overlay?.drops ?? null,
  underlayDrops: ({ underlay }) => underlay?.drops ?? null,
} as const satisfies Record<string, Pick>;

export type Reading = keyof typeof readings;

/** Where in an ordered list the samples of a window begin. */
function firstSince(samples: readonly Sample[], since: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.at ?? 0) < since) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** One reading of the samples since a moment (Unix time in ms). Samples are in order of time. */
export const seriesOf = (samples: readonly Sample[], reading: Reading, since: number): TimedValue[] =>
  samples
    .slice(firstSince(samples, since))
    .map((sample) => ({ at: sample.at, value: readings[reading](sample) }));

/** Without a sample for longer than this, in ms, nothing is drawn across. */
const longestStep = 15_000;

/** Readings side by side as a chart takes them: seconds, then one column a reading, with an empty row in each gap. */
export function columnsOf(
  samples: readonly Sample[],
  wanted: readonly Reading[],
  from: number,
  to: number,
): { times: number[]; columns: (number | null)[][] } {
  const times: number[] = [];
  const columns = wanted.map((): (number | null)[] => []);
  let last: number | null = null;
  for (const sample of samples.slice(firstSince(samples, from - longestStep))) {
    if (sample.at > to) break;
    if (last !== null && sample.at - last > longestStep) {
      times.push((last + 1) / 1000);
      for (const column of columns) column.push(null);
    }
    times.push(sample.at / 1000);
    for (const [index, reading] of wanted.entries()) columns[index]?.push(readings[reading](sample));
    last = sample.at;
  }
  return { times, columns };
}
