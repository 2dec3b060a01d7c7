import type { HistoryEntry, HistorySubject } from '../../contract/history.ts';

/** Which entries are listed; null and an empty text mean any. */
export interface HistoryFilter {
  readonly subjects: ReadonlySet<HistorySubject> | null;
  readonly level: HistoryEntry['level'] | null;
  readonly host: string | null;
  readonly text: string;
}

export const everything: HistoryFilter = { subjects: null, level: null, host: null, text: '' };

/** The entries that a filter lets through, in the same order; the same array when it lets all through. */
export function filterHistory(
  history: readonly HistoryEntry[],
  filter: HistoryFilter,
): readonly HistoryEntry[] {
  const { subjects, level, host } = filter;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (subjects === null && level === null && host === null && words.length === 0) return history;
  return history.filter((entry) => {
    if (subjects !== null && !subjects.has(entry.subject)) return false;
    if (level !== null && entry.level !== level) return false;
    if (host !== null && entry.host !== host) return false;
    if (words.length === 0) return true;
    const { title, detail, pod, pair, subject } = entry;
    const text = `${subject} ${title} ${detail ?? ''} ${entry.host ?? ''} ${pod ?? ''} ${pair?.from ?? ''} ${pair?.to ?? ''}`;
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}
