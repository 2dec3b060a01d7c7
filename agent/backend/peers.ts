import type { AgentPeer } from '../../contract/agent.ts';
import {
  type Cidr,
  cidrContains,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  formatIpv4,
} from '../../contract/ipv4.ts';
import type { Lease } from '../lease/lease.ts';
import { rememberLast } from '../remember.ts';

/** A lease that a backend uses, or one that it can't and why. `use` is what the backend made of the lease. */
export type Sorted<Use> =
  | { readonly kind: 'used'; readonly lease: Lease; readonly use: Use }
  | { readonly kind: 'ignored'; readonly lease: Lease; readonly reason: string };

/** What a backend makes of one lease; text is the reason why it can't use it. */
export type Reading<Use> = { readonly use: Use } | string;

/** Our own place in the overlay: what a peer must not claim. */
export interface Own {
  readonly network: Cidr;
  readonly subnet: Cidr;
  readonly publicIp: number;
}

const within = (outer: Cidr, inner: Cidr): boolean =>
  cidrContains(outer, inner.base) && cidrContains(outer, inner.base + cidrSize(inner) - 1);

function refusal(
  { network, subnet, publicIp }: Own,
  lease: Lease,
  taken: ReadonlySet<string>,
): string | null {
  // A lease comes from etcd: it must not be able to take traffic that is none of the overlay's, or our own pods'.
  if (!within(network, lease.subnet)) return `outside the network ${formatCidr(network)}`;
  if (cidrsOverlap(subnet, lease.subnet)) return `overlaps our own subnet ${formatCidr(subnet)}`;
  if (lease.publicIp === publicIp) return 'has our own public address';
  if (taken.has(formatCidr(lease.subnet))) return 'another lease holds the same subnet';
  return null;
}

/** Sorts the other hosts' leases into those that `read` can use and those that are ignored; one bad lease harms no other. */
export function sortLeases<Use>(
  own: Own,
  leases: readonly Lease[],
  read: (lease: Lease) => Reading<Use>,
): Sorted<Use>[] {
  const taken = new Set<string>();
  return leases.map((lease) => {
    const reading = refusal(own, lease, taken) ?? read(lease);
    if (typeof reading === 'string') return { kind: 'ignored', lease, reason: reading };
    taken.add(formatCidr(lease.subnet));
    return { kind: 'used', lease, use: reading.use };
  });
}

/** How a peer stands; `failed` are the reasons of those that the kernel refused, by subnet. */
function peerState<Use>(sorted: Sorted<Use>, failed: ReadonlyMap<string, string>): AgentPeer {
  const { lease } = sorted;
  const subnet = formatCidr(lease.subnet);
  const peer = { subnet, publicIp: formatIpv4(lease.publicIp), backendType: lease.backendType };
  if (sorted.kind === 'ignored') return { ...peer, state: 'ignored', reason: sorted.reason };
  const reason = failed.get(subnet) ?? null;
  return { ...peer, state: reason === null ? 'programmed' : 'failed', reason };
}

/** How all peers stand; the same list as before when nothing has changed, since there may be thousands. */
export const createPeerStates = <Use>() =>
  rememberLast((sorted: readonly Sorted<Use>[], failed: ReadonlyMap<string, string>) =>
    sorted.map((each) => peerState(each, failed)),
  );

/** Most backends use only their own kind; flannel's udp backend takes every lease. */
export const otherType = (wanted: string, lease: Lease): string | null =>
  lease.backendType === wanted ? null : `its backend is ${lease.backendType}, ours is ${wanted}`;
