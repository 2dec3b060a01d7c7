import type { Sample } from '../../contract/live.ts';

/** Bytes a second one way and the other, as seen from the link's first end; counted, or no more than these. */
export interface Flow {
  readonly certainty: 'counted' | 'at most';
  readonly out: number;
  readonly back: number;
}

/** A sample older than this, in ms, says nothing of now. */
const freshFor = 10_000;

/** The latest sample of a host, when it is fresh. */
export function latestOf(samples: readonly Sample[] | undefined, now: number): Sample | null {
  const latest = samples?.at(-1);
  return latest === undefined || now - latest.at > freshFor ? null : latest;
}

/** What goes over a host's own interface to the underlay: exact, as the kernel counts it. */
export function underlayFlow(sample: Sample | null): Flow | null {
  const rate = sample?.underlay ?? null;
  return rate === null ? null : { certainty: 'counted', out: rate.sentBytes, back: rate.receivedBytes };
}

/** One end of an overlay link: its host's subnet and latest sample, as far as they are known. */
export interface OverlayEnd {
  readonly subnet: string | null;
  readonly sample: Sample | null;
}

const silent = { receivedBytes: 0, sentBytes: 0 };

/** What an end's agent has counted of the other one; null where the kernel carries the packets. */
function countedBy({ sample }: OverlayEnd, { subnet }: OverlayEnd) {
  if (sample === null || sample.peers === null || subnet === null) return null;
  return sample.peers.find((peer) => peer.subnet === subnet) ?? silent;
}

/**
 * What goes between two hosts over the overlay: as an agent of either has counted it, else a bound. The kernel has no counter
 * for a pair, but no more can arrive than was sent by the one and received by the other.
 */
export function overlayFlow(one: OverlayEnd, other: OverlayEnd): Flow | null {
  const own = countedBy(one, other);
  if (own !== null) return { certainty: 'counted', out: own.sentBytes, back: own.receivedBytes };
  const theirs = countedBy(other, one);
  if (theirs !== null) return { certainty: 'counted', out: theirs.receivedBytes, back: theirs.sentBytes };
  return overlayBound(one.sample, other.sample);
}

function overlayBound(one: Sample | null, other: Sample | null): Flow | null {
  const [here, there] = [one?.overlay ?? null, other?.overlay ?? null];
  if (here === null || there === null) return null;
  return {
    certainty: 'at most',
    out: Math.min(here.sentBytes, there.receivedBytes),
    back: Math.min(there.sentBytes, here.receivedBytes),
  };
}

/** Below this many bytes a second a link rests. */
export const restingRate = 600;

/** Width of a link on the screen, in pixels: 1.75 at rest, about one more for each tenfold rate, 8 at 1 Gbit/s. */
export function widthOf(flow: Flow | null): number {
  const bits = flow === null ? 0 : (flow.out + flow.back) * 8;
  return 1.75 + Math.min(1, Math.max(0, Math.log10(Math.max(bits, 1) / 1e4) / 5)) * 6.25;
}

/** Speed of the dots that run along a link, in pixels a second: 0 at rest, quicker with each tenfold rate. */
export function speedOf(bytesPerSecond: number): number {
  if (bytesPerSecond < restingRate) return 0;
  return 18 + Math.min(5, Math.log10(bytesPerSecond / restingRate)) * 14;
}
