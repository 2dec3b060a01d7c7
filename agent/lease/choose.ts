import { type Cidr, cidrSize, cidrsOverlap } from '../../contract/ipv4.ts';
import { fitsConfig, type NetworkConfig } from './config.ts';
import type { StoredEntry } from './store.ts';
import { formatSubnetKey, parseLease, parseSubnetKey } from './value.ts';

/**
 * What to do to get a subnet: use our own lease, first delete those of ours that do not fit, lease a free one, or
 * wait.
 */
export type Choice =
  | { readonly kind: 'own'; readonly entry: StoredEntry; readonly subnet: Cidr }
  | { readonly kind: 'delete'; readonly entries: readonly { entry: StoredEntry; subnet: Cidr }[] }
  | { readonly kind: 'free'; readonly subnet: Cidr }
  | { readonly kind: 'full' };

/** flannel looks no further than this many free subnets, so that hosts that choose at once seldom choose the same. */
const mostCandidates = 100;

/** The first free subnets of a network, lowest first. */
export function freeSubnets(config: NetworkConfig, taken: readonly Cidr[], most = mostCandidates): Cidr[] {
  const size = 2 ** (32 - config.subnetLength);
  const inOrder = [...taken].sort((one, other) => one.base - other.base);
  const free: Cidr[] = [];
  let base = config.subnetMin;
  let index = 0;
  while (base <= config.subnetMax && free.length < most) {
    const next = inOrder[index];
    if (next === undefined || next.base >= base + size) {
      free.push({ base, length: config.subnetLength });
      base += size;
    } else {
      // Ranges nest or are apart, so what ends above `base` covers it, and is followed by the next aligned subnet.
      const end = next.base + cidrSize(next);
      if (end > base) base = Math.ceil(end / size) * size;
      index += 1;
    }
  }
  return free;
}

/** Chooses by flannel's rules (pkg/subnet/etcd/local_manager.go, tryAcquireLease). `random` yields 0 ≤ x < 1. */
export function chooseSubnet(wish: {
  readonly config: NetworkConfig;
  readonly entries: readonly StoredEntry[];
  readonly publicIp: number;
  /** The subnet of an earlier run, from `subnet.env`. */
  readonly previous: Cidr | null;
  /** The lease that our key hung on before our public address changed; null when it is not known. */
  readonly leaseId: string | null;
  readonly random: () => number;
}): Choice {
  const { config, entries, publicIp, previous } = wish;
  const taken: Cidr[] = [];
  const own: { entry: StoredEntry; subnet: Cidr }[] = [];
  for (const entry of entries) {
    const subnet = parseSubnetKey(entry.name);
    if (subnet === null) continue;
    // A key whose value is malformed holds its subnet all the same.
    taken.push(subnet);
    const parsed = parseLease(entry.name, entry.value);
    // Only a plain key is one that we can write; a dual-stack one of ours just holds its subnet.
    const plain = entry.name === formatSubnetKey(subnet);
    if (!plain || parsed.kind !== 'lease') continue;
    const underOurLease = entry.leaseId !== null && entry.leaseId === wish.leaseId;
    if (parsed.lease.publicIp === publicIp || underOurLease) own.push({ entry, subnet });
  }
  const unfit = own.filter(({ subnet }) => !fitsConfig(config, subnet));
  if (unfit.length > 0) return { kind: 'delete', entries: unfit };
  const kept = own.find(({ subnet }) => subnet.base === previous?.base) ?? own[0];
  if (kept !== undefined) return { kind: 'own', ...kept };
  if (
    previous !== null &&
    fitsConfig(config, previous) &&
    !taken.some((subnet) => cidrsOverlap(subnet, previous))
  )
    return { kind: 'free', subnet: previous };
  const candidates = freeSubnets(config, taken);
  const chosen = candidates[Math.floor(wish.random() * candidates.length)];
  return chosen === undefined ? { kind: 'full' } : { kind: 'free', subnet: chosen };
}
