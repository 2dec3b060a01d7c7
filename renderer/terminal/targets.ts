import type { LabState } from '../stream/state.ts';

/** Where a shell can be opened. `note` is what tells it from others: a host's address, or a pod's host. */
export interface Target {
  readonly kind: 'host' | 'pod';
  readonly name: string;
  readonly note: string;
  readonly usable: boolean;
}

/** Hosts first, then pods, both in the lab's own order. */
export function targetsOf(state: LabState): Target[] {
  const hosts = [...state.hosts.values()];
  return [
    ...hosts.map(
      ({ name, reach, status }): Target => ({
        kind: 'host',
        name,
        note: status.address,
        usable: reach.kind === 'connected',
      }),
    ),
    ...hosts.flatMap(({ name, reach, status }) =>
      status.pods.map(
        (pod): Target => ({
          kind: 'pod',
          name: pod.name,
          note: `on ${name}`,
          usable: reach.kind === 'connected' && pod.state === 'running',
        }),
      ),
    ),
  ];
}

/** Targets in which each word of the search occurs, at most `limit`; those whose name begins with it come first. */
export function searchTargets(targets: readonly Target[], search: string, limit: number): Target[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = targets.filter(({ kind, name, note }) => {
    const text = `${kind} ${name} ${note}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const first = words[0];
  if (first === undefined) return found.slice(0, limit);
  const begins = ({ name }: Target) => name.toLowerCase().startsWith(first);
  return [...found.filter(begins), ...found.filter((target) => !begins(target))].slice(0, limit);
}
