import type { AgentTraffic } from '../../../contract/agent.ts';
import type { LinkRate, Sample } from '../../../contract/live.ts';
import type { Observation, ObservedLink } from './observation.ts';

/** Over a longer time, such as one that a host was lost or asleep, an average says nothing of either end. */
const longestIntervalSeconds = 15;
/** The host's clock tells hundredths of a second, so that a shorter time is too coarse to divide by. */
const shortestIntervalSeconds = 0.1;

type Rates = Pick<Sample, 'cpu' | 'steal' | 'overlay' | 'underlay' | 'peers'>;

/** What one look at a host has found. `traffic` is null when its agent does not answer or does not count. */
export interface Look {
  readonly observation: Observation;
  readonly traffic: AgentTraffic | null;
}

/** The names of the interfaces whose traffic is shown; null when there is none of that role. */
export interface WatchedLinks {
  readonly overlay: string | null;
  readonly underlay: string | null;
}

const noRates: Rates = { cpu: null, steal: null, overlay: null, underlay: null, peers: null };

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

/** The agent's counters of each peer; one that began anew, with the agent or the peer, is left out this time. */
function peerRates(
  before: AgentTraffic | null,
  after: AgentTraffic | null,
  seconds: number,
): Sample['peers'] {
  if (before === null || after === null) return null;
  const earlier = new Map(before.peers.map((peer) => [peer.subnet, peer]));
  return after.peers.flatMap(({ subnet, inBytes, outBytes }) => {
    const peer = earlier.get(subnet);
    const received = peer === undefined ? null : rise(peer.inBytes, inBytes);
    const sent = peer === undefined ? null : rise(peer.outBytes, outBytes);
    if (received === null || sent === null || received + sent === 0) return [];
    return [{ subnet, receivedBytes: received / seconds, sentBytes: sent / seconds }];
  });
}

/**
 * Rates between two looks at a host, a second, by the host's own steady clock: setting the time of either end changes nothing.
 * Null where they cannot be told: at the first look, after a boot, when a counter began anew, after a long time. Pure.
 */
export function ratesBetween(earlier: Look | null, now: Look, watched: WatchedLinks): Rates {
  if (earlier === null) return noRates;
  const [before, after] = [earlier.observation, now.observation];
  if (before.firstProcess !== after.firstProcess) return noRates;
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
    peers: peerRates(earlier.traffic, now.traffic, interval),
  };
}

/** One sample of a host; `at` is Unix time in ms. Pure. */
export const sampleOf = (
  host: string,
  at: number,
  before: Look | null,
  after: Look,
  watched: WatchedLinks,
): Sample => ({
  host,
  at,
  processors: after.observation.processors,
  memoryBytes: after.observation.memoryBytes,
  memoryLimitBytes: after.observation.memoryLimitBytes,
  ...ratesBetween(before, after, watched),
});
