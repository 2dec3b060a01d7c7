import type { HistoryEntry, HistorySubject } from '../../contract/history.ts';
import { momentOf } from './moment.ts';

/** From `from` to `to` (Unix ms) something was red; `to` is null while it still is. `entry` is what began it. */
export interface RedInterval {
  readonly key: string;
  readonly from: number;
  readonly to: number | null;
  readonly entry: HistoryEntry;
}

/** Something that failed at a moment, and does not go on being red. */
const momentary: ReadonlySet<HistorySubject> = new Set(['work', 'step', 'command']);

/** One entry tells of all kinds of a pair that turned at once, so the pair is what is red. */
const keyOf = ({ subject, host, pod, pair }: HistoryEntry): string =>
  pair === null ? `${subject} ${host ?? ''} ${pod ?? ''}` : `pair ${pair.from} ${pair.to}`;

/**
 * What was red, and from when until when: a pair, a host or another thing that has a state is red from its first bad entry to
 * its next good one, and a pod until it was removed. `history` is in order of time, and so are the intervals.
 */
export function redIntervals(history: readonly HistoryEntry[]): RedInterval[] {
  const intervals: RedInterval[] = [];
  const open = new Map<string, number>();
  for (const entry of history) {
    const ends = entry.level === 'good' || (entry.subject === 'pod' && entry.level === 'neutral');
    if (momentary.has(entry.subject) || (entry.level !== 'bad' && !ends)) continue;
    const key = keyOf(entry);
    const index = open.get(key);
    if (entry.level === 'bad') {
      if (index !== undefined) continue;
      open.set(key, intervals.length);
      intervals.push({ key, from: momentOf(entry), to: null, entry });
    } else if (index !== undefined) {
      open.delete(key);
      const begun = intervals[index];
      if (begun !== undefined) intervals[index] = { ...begun, to: momentOf(entry) };
    }
  }
  return intervals;
}

/** A stretch of time in which at least one thing was red, and how many began in it. */
export interface RedSpan {
  readonly from: number;
  readonly to: number | null;
  readonly things: number;
}

/** Intervals that touch as one, for a line that has room for one. `intervals` are in order of their beginning. */
export function joinIntervals(intervals: readonly RedInterval[]): RedSpan[] {
  const spans: RedSpan[] = [];
  for (const { from, to } of intervals) {
    const last = spans.at(-1);
    if (last !== undefined && (last.to === null || from <= last.to)) {
      const end = last.to === null || to === null ? null : Math.max(last.to, to);
      spans[spans.length - 1] = { from: last.from, to: end, things: last.things + 1 };
    } else spans.push({ from, to, things: 1 });
  }
  return spans;
}
