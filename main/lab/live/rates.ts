import type { LinkRate, Sample } from '../../../contract/live.ts';
import type { Observation, ObservedLink } from './observation.ts';

/** Over a longer time, such as one that a host was lost or asleep, an average says nothing of either end. */
const longestIntervalSeconds = 15;
/** The host's clock tells hundredths of a second, so that a shorter time is too coarse to divide by. */
const shortestIntervalSeconds = 0.1;

type Rates = Pick<Sample, 'cpu' | 'steal' | 'overlay' | 'underlay'>;

/** The names of the interfaces whose traffic is shown; null when there is none of that role. */
export interface WatchedLinks {
  readonly overlay: string | null;
  readonly underlay: string | null;
}

const noRates: Rates = { cpu: null, steal: null, overlay: null, underlay: null };

/** A counter's rise; null when it fell, as it does when it begins anew. */
function rise(before: number, after: number): number | null {
  return after >= before ? after - before : null;
}

function linkRate(
  before: ObservedLink | undefined,
  after: ObservedLink | undefined,
  seconds: number,
): LinkRate | null {
  if (before === undefined || after === undefined) return null;
  const received = rise(before.receivedBytes, after.receivedBytes);
  const sent = rise(before.sentBytes, after.sentBytes);
  const drops = rise(before.drops, after.drops);
  if (received === null || sent === null || drops === null) return null;
  return { receivedBytes: received / seconds, sentBytes: sent / seconds, drops: drops / seconds };
}

/**
 * Rates between two looks at a host, a second, by the host's own steady clock: setting the time of either end changes nothing.
 * Null where they cannot be told: at the first look, after a boot, when a counter began anew, after a long time. Pure.
 */
export function ratesBetween(before: Observation | null, after: Observation, watched: WatchedLinks): Rates {
  if (before === null || before.firstProcess !== after.firstProcess) return noRates;
  const interval = after.monotonic - before.monotonic;
  if (!(interval >= shortestIntervalSeconds) || interval > longestIntervalSeconds) return noRates;
  const link = ({ links }: Observation, name: string | null) => links.find((entry) => entry.name === name);
  const cpu = before.cpu === null || after.cpu === null ? null : rise(before.cpu, after.cpu);
  const total = rise(before.machine.total, after.machine.total);
  const stolen = rise(before.machine.steal, after.machine.steal);
  return {
    cpu: cpu === null ? null : cpu / interval,
    steal: total === null || stolen === null || total === 0 ? null : Math.min(1, stolen / total),
    overlay: linkRate(link(before, watched.overlay), link(after, watched.overlay), interval),
    underlay: linkRate(link(before, watched.underlay), link(after, watched.underlay), interval),
  };
}

/** One sample of a host; `at` is Unix time in ms. Pure. */
export const sampleOf = (
  host: string,
  at: number,
  before: Observation | null,
  after: Observation,
  watched: WatchedLinks,
): Sample => ({
  host,
  at,
  processors: after.processors,
  memoryBytes: after.memoryBytes,
  memoryLimitBytes: after.memoryLimitBytes,
  ...ratesBetween(before, after, watched),
});
