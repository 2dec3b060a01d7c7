import type { HistoryEntry } from '../../contract/history.ts';

const moments = new WeakMap<HistoryEntry, number>();

/** When it happened, Unix ms. Entries never change, so each is read once. */
export function momentOf(entry: HistoryEntry): number {
  const known = moments.get(entry);
  if (known !== undefined) return known;
  const moment = Date.parse(entry.at);
  moments.set(entry, moment);
  return moment;
}

/** The index of the first entry at or after a moment; the length when there is none. `history` is in order of time. */
export function indexAt(history: readonly HistoryEntry[], moment: number): number {
  let low = 0;
  let high = history.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const entry = history[middle];
    if (entry !== undefined && momentOf(entry) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
