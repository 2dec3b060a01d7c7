import type { HistoryEntry } from '../../contract/history.ts';
import { toX, type Window } from './axis.ts';
import { indexAt, momentOf } from './moment.ts';

/** Entries that are too near to each other to be drawn apart: those from `first` to `last` of the list, both included. */
export interface Cluster {
  readonly x: number;
  readonly first: number;
  readonly last: number;
  readonly level: HistoryEntry['level'];
}

const severity: Record<HistoryEntry['level'], number> = { neutral: 0, good: 1, warning: 2, bad: 3 };

/** A bucket at least so long, in steps, so that marks stay what they are while a window grows second by second. */
const roundUp = (duration: number) => 2 ** (Math.ceil(Math.log2(duration) * 2) / 2);

/**
 * The marks of a line of `width` pixels: one for each bucket of at least `bucket` pixels that has
 * entries, with the worst level of them. Many stand in the middle of their bucket, one where it happened.
 * Buckets are fixed in time, so marks do not jump while the window moves. `history` is in order of time.
 */
export function clusterEntries(
  history: readonly HistoryEntry[],
  window: Window,
  width: number,
  bucket = 14,
): Cluster[] {
  const bucketTime = roundUp(((window.to - window.from) / Math.max(1, width)) * bucket);
  const end = indexAt(history, window.to);
  const clusters: Cluster[] = [];
  let current: { id: number; first: number; moment: number; level: HistoryEntry['level'] } | null = null;
  const close = (last: number) => {
    if (current === null) return;
    const moment = last === current.first ? current.moment : (current.id + 0.5) * bucketTime;
    const x = Math.min(width, Math.max(0, toX(window, width, moment)));
    clusters.push({ x, first: current.first, last, level: current.level });
  };
  for (let index = indexAt(history, window.from); index < end; index += 1) {
    const entry = history[index];
    if (entry === undefined) continue;
    const moment = momentOf(entry);
    const id = Math.floor(moment / bucketTime);
    if (current === null || current.id !== id) {
      close(index - 1);
      current = { id, first: index, moment, level: entry.level };
    } else if (severity[entry.level] > severity[current.level]) current.level = entry.level;
  }
  close(end - 1);
  return clusters;
}
