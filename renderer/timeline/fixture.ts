import type { HistoryEntry } from '../../contract/history.ts';

/** An entry of the history `second` seconds after the beginning of 2026, for tests. */
export const testEntry = (second: number, own: Partial<HistoryEntry>): HistoryEntry => ({
  id: String(second),
  at: new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString(),
  subject: 'host',
  level: 'neutral',
  title: `entry ${second}`,
  detail: null,
  host: null,
  pod: null,
  pair: null,
  ...own,
});
