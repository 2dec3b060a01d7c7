import type { LiveHost } from '../../contract/live.ts';
import type { PodStatus } from '../../contract/status.ts';
import type { Health } from '../stream/verdict.ts';

/** A container as its host told of it; `known` when the host can be asked now. */
export interface PodRow {
  readonly key: string;
  readonly host: string;
  readonly pod: PodStatus;
  readonly known: boolean;
}

/** A host with its containers. `at` is when it told of them. */
export interface HostPods {
  readonly host: string;
  readonly known: boolean;
  readonly at: string;
  readonly rows: readonly PodRow[];
}

/** One line of the table. */
export type Item =
  | { readonly kind: 'host'; readonly key: string; readonly group: HostPods; readonly shown: number }
  | { readonly kind: 'pod'; readonly key: string; readonly row: PodRow };

export type SortKey = 'name' | 'state' | 'address' | 'image';
export interface Sort {
  readonly key: SortKey;
  readonly descending: boolean;
}

export const shownStates = ['all', 'running', 'not running'] as const;
export type ShownState = (typeof shownStates)[number];

export interface Filter {
  readonly search: string;
  readonly state: ShownState;
}

/**
 * Reads hosts as the stream tells them, again and again. What has not changed is the same object as before, so that only rows
 * that differ are drawn again.
 */
export function podReader(): (hosts: Iterable<LiveHost>) => HostPods[] {
  let before = new Map<string, { live: LiveHost; group: HostPods; texts: readonly string[] }>();
  return (hosts) => {
    const now: typeof before = new Map();
    for (const live of hosts) {
      const last = before.get(live.name);
      if (last?.live === live) {
        now.set(live.name, last);
        continue;
      }
      const known = live.reach.kind === 'connected';
      const texts = live.status.pods.map((pod) => JSON.stringify([known, pod]));
      const rows = live.status.pods.map((pod, index): PodRow => {
        const before = last?.texts.indexOf(texts[index] ?? '') ?? -1;
        return last?.group.rows[before] ?? { key: `${live.name} ${pod.name}`, host: live.name, pod, known };
      });
      const kept = last?.group.rows;
      const same = kept?.length === rows.length && rows.every((row, index) => row === kept[index]);
      const group = { host: live.name, known, at: live.status.at, rows: same ? kept : rows };
      now.set(live.name, { live, texts, group });
    }
    before = now;
    return [...now.values()].map(({ group }) => group);
  };
}

const collator = new Intl.Collator('en', { numeric: true });
const severity: Record<PodStatus['state'], number> = { missing: 0, unknown: 1, exited: 2, running: 3 };

function compare(one: PodRow, other: PodRow, key: SortKey): number {
  switch (key) {
    case 'name':
      return 0;
    case 'state':
      return severity[one.pod.state] - severity[other.pod.state];
    case 'address':
      return (
        Number(one.pod.address === null) - Number(other.pod.address === null) ||
        collator.compare(one.pod.address ?? '', other.pod.address ?? '')
      );
    case 'image':
      return collator.compare(one.pod.image, other.pod.image);
  }
}

function contains({ host, pod }: PodRow, words: readonly string[]): boolean {
  const text = [
    pod.name,
    host,
    pod.image,
    pod.address ?? '',
    ...(pod.command ?? []),
    ...Object.entries(pod.labels).map(([key, value]) => `${key}=${value}`),
  ]
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Rows that passed a filter, in order, by all rows of their host: what has not changed is not filtered again. */
export type Passed = WeakMap<readonly PodRow[], readonly PodRow[]>;

/**
 * The lines of the table: each host with those of its containers that pass the filter. A host without any is left out while one
 * filters. `passed` may be given again with the same filter and sort.
 */
export function itemsOf(
  groups: readonly HostPods[],
  { search, state }: Filter,
  sort: Sort,
  passed: Passed = new WeakMap(),
): Item[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = words.length > 0 || state !== 'all';
  const sign = sort.descending ? -1 : 1;
  const pass = (all: readonly PodRow[]): readonly PodRow[] =>
    all
      .filter((row) => state === 'all' || (row.pod.state === 'running') === (state === 'running'))
      .filter((row) => words.length === 0 || contains(row, words))
      .sort(
        (one, other) =>
          sign * (compare(one, other, sort.key) || collator.compare(one.pod.name, other.pod.name)),
      );
  return groups.flatMap((group): Item[] => {
    const rows = passed.get(group.rows) ?? pass(group.rows);
    passed.set(group.rows, rows);
    if (rows.length === 0 && filters) return [];
    return [
      { kind: 'host', key: group.host, group, shown: rows.length },
      ...rows.map((row): Item => ({ kind: 'pod', key: row.key, row })),
    ];
  });
}

/** A container's state in one word and as health. What its host cannot confirm is not said to be so. */
export function podHealth({ pod, known }: PodRow): { readonly health: Health; readonly word: string } {
  const word = pod.state === 'exited' ? 'stopped' : pod.state;
  if (!known) return { health: 'stale', word: pod.state === 'unknown' ? word : `was ${word}` };
  switch (pod.state) {
    case 'running':
      return { health: 'good', word };
    case 'missing':
      return { health: 'bad', word };
    case 'exited':
    case 'unknown':
      return { health: 'stale', word };
  }
}
