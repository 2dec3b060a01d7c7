import type { LiveHost, Sample } from '../../contract/live.ts';
import { healthOfHost, type Told } from './health.ts';

/** A host as a line of the list. `expiresAt` and `renewedAt` are Unix time in ms; rates are bytes a second. */
export interface HostLine {
  readonly host: LiveHost;
  readonly told: Told;
  readonly subnet: string;
  readonly device: string;
  readonly renewedAt: number | null;
  readonly last: Sample | null;
}

export type SortKey = 'name' | 'health' | 'subnet' | 'renewed' | 'cpu' | 'memory' | 'received' | 'sent';

export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** What the list shows of a host. Pure; `now` is Unix time in ms. */
export function lineOf(host: LiveHost, samples: readonly Sample[], now: number): HostLine {
  const { agent } = host.status;
  const overlay = host.links.find(({ role }) => role === 'overlay');
  const renewed = agent?.lease?.renewedAt;
  return {
    host,
    told: healthOfHost(host, now),
    subnet: agent?.subnet ?? '',
    device: overlay?.name ?? agent?.device?.name ?? '',
    renewedAt: renewed === undefined ? null : Date.parse(renewed),
    last: samples.at(-1) ?? null,
  };
}

const ranks: Record<Told['health'], number> = { good: 0, working: 1, warning: 2, stale: 3, bad: 4 };

/** Addresses and names in the order that people count in: `h2` before `h10`. */
const natural = new Intl.Collator('en', { numeric: true });

const numbers: Record<Exclude<SortKey, 'name' | 'subnet'>, (line: HostLine) => number | null> = {
  health: ({ told }) => ranks[told.health],
  renewed: ({ renewedAt }) => renewedAt,
  cpu: ({ last }) => last?.cpu ?? null,
  memory: ({ last }) => last?.memoryBytes ?? null,
  received: ({ last }) => last?.overlay?.receivedBytes ?? null,
  sent: ({ last }) => last?.overlay?.sentBytes ?? null,
};

function compare(one: HostLine, other: HostLine, { key, descending }: Sorting): number {
  const sign = descending ? -1 : 1;
  if (key === 'name') return sign * natural.compare(one.host.name, other.host.name);
  if (key === 'subnet') return sign * natural.compare(one.subnet, other.subnet);
  const [here, there] = [numbers[key](one), numbers[key](other)];
  // What is not known comes last, whichever way the list is sorted.
  if (here === null || there === null) return Number(here === null) - Number(there === null);
  return sign * (here - there);
}

/** The lines that contain every word of `filter` (in name, state, address, subnet, device or a pod's name), sorted. Pure. */
export function arrange(lines: readonly HostLine[], filter: string, sorting: Sorting): HostLine[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const textOf = ({ host, told, subnet, device }: HostLine): string =>
    [host.name, told.word, host.status.address, subnet, device, ...host.status.pods.map(({ name }) => name)]
      .join(' ')
      .toLowerCase();
  const found =
    words.length === 0
      ? [...lines]
      : lines.filter((line) => words.every((word) => textOf(line).includes(word)));
  const byName = { key: 'name', descending: false } as const;
  return found.sort((one, other) => compare(one, other, sorting) || compare(one, other, byName));
}
