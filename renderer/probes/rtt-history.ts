import type { ProbeResult } from '../../contract/probe.ts';
import { cellKey } from '../stream/state.ts';

/** One RTT that this window saw; `at` is Unix ms, a lost packet has no time. */
export interface RttPoint {
  readonly at: number;
  readonly milliseconds: number | null;
}

const kept = 120;
const histories = new Map<string, readonly RttPoint[]>();

/** The points with one more, unless it is no newer than the last. */
export function appendRtt(points: readonly RttPoint[], point: RttPoint): readonly RttPoint[] {
  const last = points.at(-1);
  return last !== undefined && last.at >= point.at ? points : [...points.slice(1 - kept), point];
}

/** What this window has seen of a pair since it first looked, with the newest result added. */
export function rttHistory(lab: string, ping: ProbeResult): readonly RttPoint[] {
  const key = `${lab} ${cellKey(ping)}`;
  const { at, ok, milliseconds } = ping;
  const points = appendRtt(histories.get(key) ?? [], {
    at: Date.parse(at),
    milliseconds: ok ? milliseconds : null,
  });
  histories.set(key, points);
  return points;
}

/** The points as an SVG path over 0..100 by 0..1; a lost packet is a gap. */
export function sparkline(points: readonly RttPoint[]): { readonly path: string; readonly top: number } {
  const top = Math.max(...points.map(({ milliseconds }) => milliseconds ?? 0), 0) * 1.15;
  let pen = 'M';
  const parts = points.map(({ milliseconds }, index) => {
    if (milliseconds === null || top === 0) {
      pen = 'M';
      return '';
    }
    const x = points.length === 1 ? 0 : (index / (points.length - 1)) * 100;
    const part = `${pen}${x.toFixed(2)} ${(1 - milliseconds / top).toFixed(4)}`;
    pen = 'L';
    return part;
  });
  return { path: parts.join(''), top };
}
