import type { ProbeEnd, ProbeResult } from '../../contract/probe.ts';
import type { LabState } from '../stream/state.ts';

/** One row or column of the matrix. `all` stands for everything that is on a host. */
export interface End {
  readonly kind: ProbeEnd['kind'] | 'all';
  readonly name: string;
  readonly host: string;
}

/** Rows ask, columns answer: a host asks but is not asked. */
export interface Ends {
  readonly sources: readonly End[];
  readonly targets: readonly End[];
}

const natural = new Intl.Collator('en', { numeric: true });

export const endKey = ({ kind, name }: Pick<End, 'kind' | 'name'>): string => `${kind} ${name}`;

/** A pod's name without the name of its host, which stands above it. */
export const shortName = ({ name, host, kind }: End): string =>
  kind === 'pod' && name.startsWith(`${host}-`) ? name.slice(host.length + 1) : name;

function hostsInOrder(state: Pick<LabState, 'lab' | 'hosts'>, others: Iterable<string>): string[] {
  const declared = state.lab.hosts.map(({ name }) => name);
  const more = new Set([...state.hosts.keys(), ...others]);
  for (const name of declared) more.delete(name);
  return [...declared, ...[...more].sort(natural.compare)];
}

/**
 * All ends of a lab in the order of its hosts: the pods of a host, then the host itself. `past` are results of an earlier
 * moment, whose ends may be gone by now.
 */
export function endsOf(
  state: Pick<LabState, 'lab' | 'hosts'>,
  past: Iterable<ProbeResult> | null = null,
): Ends {
  const pods = new Map<string, string>();
  for (const { name, host } of state.lab.pods) pods.set(name, host);
  for (const host of state.hosts.values()) for (const { name } of host.status.pods) pods.set(name, host.name);
  const extraHosts = new Set<string>();
  for (const { from, to } of past ?? []) {
    for (const end of [from, to]) {
      extraHosts.add(end.host);
      if (end.kind === 'pod') pods.set(end.name, end.host);
    }
  }
  const byHost = new Map<string, End[]>(hostsInOrder(state, extraHosts).map((name) => [name, []]));
  for (const [name, host] of pods) byHost.get(host)?.push({ kind: 'pod', name, host });
  for (const group of byHost.values()) group.sort((one, other) => natural.compare(one.name, other.name));
  const groups = [...byHost];
  return {
    sources: groups.flatMap(([name, group]) => [...group, { kind: 'host', name, host: name }]),
    targets: groups.flatMap(([, group]) => group),
  };
}

/** The same ends with each host as one: its row is all that asks from there, its column all pods there. */
export function endsByHost({ sources, targets }: Ends): Ends {
  const once = (ends: readonly End[]): End[] =>
    [...new Set(ends.map(({ host }) => host))].map((host) => ({ kind: 'all', name: host, host }));
  return { sources: once(sources), targets: once(targets) };
}

const sameEnds = (one: readonly End[], other: readonly End[]): boolean =>
  one.length === other.length &&
  one.every((end, index) => {
    const twin = other[index];
    return twin !== undefined && end.kind === twin.kind && end.name === twin.name && end.host === twin.host;
  });

/** Whether two are the same, so that what is drawn from the first can stay. */
export const equalEnds = (one: Ends, other: Ends): boolean =>
  sameEnds(one.sources, other.sources) && sameEnds(one.targets, other.targets);

/** The ends whose name or host has the words that were typed, and that `keep` keeps. */
export function filterEnds(
  ends: readonly End[],
  text: string,
  keep: ((end: End) => boolean) | null = null,
): readonly End[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && keep === null) return ends;
  return ends.filter(
    (end) =>
      (keep === null || keep(end)) &&
      words.every((word) => `${end.host} ${end.name}`.toLowerCase().includes(word)),
  );
}
