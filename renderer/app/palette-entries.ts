import type { LabSummary } from '../../contract/status.ts';
import type { LabState } from '../stream/state.ts';
import { count } from '../ui/format.ts';
import { type Command, commandGroups } from './commands.ts';
import { places } from './routes.ts';

/** A line of the palette: something to do, or something that has a name and a place. */
export type PaletteEntry =
  | { readonly kind: 'command'; readonly command: Command }
  | {
      readonly kind: 'lab' | 'host' | 'pod';
      readonly label: string;
      readonly detail: string;
      readonly place: string;
    };

/** All labs, and the hosts and pods of the one that is looked at. */
export function namedEntries(labs: readonly LabSummary[], watched: LabState | null): PaletteEntry[] {
  const entries: PaletteEntry[] = labs.map(({ name, hosts }) => ({
    kind: 'lab',
    label: name,
    detail: count(hosts, 'host'),
    place: places.topology(name),
  }));
  if (watched === null) return entries;
  const { name } = watched.lab;
  for (const host of watched.hosts.values()) {
    entries.push({
      kind: 'host',
      label: host.name,
      detail: host.status.agent?.subnet ?? '',
      place: places.host(name, host.name),
    });
    for (const pod of host.status.pods)
      entries.push({
        kind: 'pod',
        label: pod.name,
        detail: [pod.address, `on ${host.name}`].filter(Boolean).join(' '),
        place: `${places.containers(name)}?pod=${encodeURIComponent(pod.name)}`,
      });
  }
  return entries;
}

export interface PaletteGroup {
  readonly group: string;
  readonly entries: readonly PaletteEntry[];
  /** How many entries the groups before this one have. */
  readonly first: number;
}

const order = ['Lab', 'Labs', 'Open a lab', ...commandGroups.slice(2), 'Hosts', 'Pods'];

const groupOf = (entry: PaletteEntry): string => {
  switch (entry.kind) {
    case 'command':
      return entry.command.group;
    case 'lab':
      return 'Open a lab';
    case 'host':
      return 'Hosts';
    case 'pod':
      return 'Pods';
  }
};

/** Entries in their groups. Ranked ones keep the best first, so that the group of the best comes first. */
export function groupEntries(entries: readonly PaletteEntry[], ranked: boolean): PaletteGroup[] {
  const groups = new Map<string, PaletteEntry[]>();
  for (const entry of entries) {
    const group = groups.get(groupOf(entry));
    if (group === undefined) groups.set(groupOf(entry), [entry]);
    else group.push(entry);
  }
  const names = ranked ? [...groups.keys()] : order.filter((name) => groups.has(name));
  let first = 0;
  return names.map((group) => {
    const own = groups.get(group) ?? [];
    first += own.length;
    return { group, entries: own, first: first - own.length };
  });
}
