import { z } from 'zod';
import { formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import type { FdbEntry, Neighbour, Route } from '../kernel/ip.ts';
import { isPeerRoute, type WantedRoute } from '../kernel/route.ts';
import { dropFdb, dropNeighbour, putFdb, putNeighbour } from '../kernel/table.ts';
import type { Lease } from '../lease/lease.ts';
import {
  type Change,
  type Entry,
  routeEntry,
  sortRouteChanges,
  staleChange,
  wantedChange,
} from './change.ts';
import { type Own, otherType, type Sorted, sortLeases } from './peers.ts';

/** A neighbour on the device: the peer's device, whose address stands for the whole subnet behind it. */
interface WantedNeighbour {
  readonly address: number;
  readonly mac: string;
}

/** A forwarding entry: to which host frames for a MAC go, and the subnets that need it. */
interface WantedFdbEntry {
  readonly mac: string;
  readonly destination: number;
  readonly subnets: readonly string[];
}

/** How one peer is reached: through the tunnel, or with `DirectRouting` by the device that leads to it. */
export type Path =
  | { readonly kind: 'tunnel'; readonly mac: string }
  | { readonly kind: 'direct'; readonly device: string };

/** The kernel state that the leases ask for, computed from them alone. */
export interface VxlanState {
  readonly sorted: readonly Sorted<Path>[];
  readonly neighbours: readonly WantedNeighbour[];
  readonly fdb: readonly WantedFdbEntry[];
  readonly routes: readonly WantedRoute[];
}

/** What the kernel has: neighbours and forwarding entries of the device, routes of the main table. */
export interface VxlanKernelState {
  readonly neighbours: readonly Neighbour[];
  readonly fdb: readonly FdbEntry[];
  readonly routes: readonly Route[];
}

/** Lower-case, colons, six bytes; or null. Go's net.ParseMAC, which flannel uses, also takes dashes and dots. */
export function parseMac(text: string): string | null {
  const spelled =
    /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ||
    /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i.test(text) ||
    /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i.test(text);
  if (!spelled) return null;
  return (text.toLowerCase().match(/[0-9a-f]{2}/g) ?? []).join(':');
}

// The lowest bit of the first byte marks a group address (IEEE 802): a forwarding entry for one would flood.
const isHostMac = (mac: string): boolean =>
  mac !== '00:00:00:00:00:00' && Number.parseInt(mac.slice(0, 2), 16) % 2 === 0;

const backendData = z.object({ VtepMAC: z.string() });

/** The MAC in a lease's BackendData; the reason in words when it has none that can be used. A peer's VNI is not compared. */
function readMac(lease: Lease): { readonly mac: string } | string {
  const parsed = backendData.safeParse(lease.backendData);
  if (!parsed.success) return 'its BackendData has no VtepMAC';
  const mac = parseMac(parsed.data.VtepMAC);
  return mac === null || !isHostMac(mac) ? "its BackendData's VtepMAC is not the MAC of a host" : { mac };
}

/** `direct` has the devices of the public addresses that need no gateway; it is empty without `DirectRouting`. */
export function vxlanState(
  own: Own & { readonly mac: string },
  device: string,
  leases: readonly Lease[],
  direct: ReadonlyMap<number, string>,
): VxlanState {
  const places = new Map<string, number>();
  const sorted = sortLeases<Path>(own, leases, (lease) => {
    const other = otherType('vxlan', lease);
    if (other !== null) return other;
    const read = readMac(lease);
    if (typeof read === 'string') return read;
    const directDevice = direct.get(lease.publicIp);
    if (directDevice !== undefined) return { use: { kind: 'direct', device: directDevice } };
    const { mac } = read;
    // One MAC leads to one place, so of two hosts with the same (a cloned machine) the second can't be reached.
    if (mac === own.mac) return 'its VtepMAC is our own';
    const place = places.get(mac) ?? lease.publicIp;
    if (place !== lease.publicIp) return `its VtepMAC is that of ${formatIpv4(place)}`;
    places.set(mac, lease.publicIp);
    return { use: { kind: 'tunnel', mac } };
  });
  const neighbours: WantedNeighbour[] = [];
  const routes: WantedRoute[] = [];
  const subnets = new Map<string, string[]>();
  for (const each of sorted) {
    if (each.kind === 'ignored') continue;
    const { subnet, publicIp } = each.lease;
    if (each.use.kind === 'direct') {
      routes.push({ destination: subnet, gateway: publicIp, device: each.use.device, onlink: false });
      continue;
    }
    const { mac } = each.use;
    neighbours.push({ address: subnet.base, mac });
    const others = subnets.get(mac);
    if (others === undefined) subnets.set(mac, [formatCidr(subnet)]);
    else others.push(formatCidr(subnet));
    routes.push({ destination: subnet, gateway: subnet.base, device, onlink: true });
  }
  const fdb = [...places].map(([mac, destination]) => ({
    mac,
    destination,
    subnets: subnets.get(mac) ?? [],
  }));
  return { sorted, neighbours, fdb, routes };
}

const neighbourEntry = ({ address, mac }: WantedNeighbour, device: string): Entry => ({
  name: `neighbour ${formatIpv4(address)}`,
  change: putNeighbour({ address, mac }, device),
});

const fdbEntry = ({ mac, destination }: WantedFdbEntry, device: string): Entry => ({
  name: `fdb ${mac}`,
  change: putFdb({ mac, destination }, device),
});

/** All entries that the wanted state has. */
export const vxlanEntries = ({ neighbours, fdb, routes }: VxlanState, device: string): Entry[] => [
  ...neighbours.map((each) => neighbourEntry(each, device)),
  ...fdb.map((each) => fdbEntry(each, device)),
  ...routes.map(routeEntry),
];

/**
 * A route of an earlier life: one with our mark, or one of the shape that flannel gives its own on this device. Routes
 * that the user put on the device in another shape stay.
 */
const isStaleRoute =
  (device: string) =>
  (route: Route): boolean =>
    isPeerRoute(route) ||
    (route.device === device && route.onlink && route.gateway === route.destination.base);

function neighbourChanges(present: readonly Neighbour[], wanted: VxlanState, device: string): Change[] {
  const wantedAddresses = new Set(wanted.neighbours.map(({ address }) => address));
  const changes: Change[] = [];
  const macs = new Map<number, string | null>();
  for (const { address, mac, permanent } of present) {
    if (!permanent) continue;
    macs.set(address, mac);
    if (!wantedAddresses.has(address))
      changes.push(staleChange(`neighbour ${formatIpv4(address)}`, dropNeighbour({ address }, device)));
  }
  for (const each of wanted.sorted) {
    if (each.kind === 'ignored' || each.use.kind === 'direct') continue;
    const { base } = each.lease.subnet;
    if (macs.get(base) === each.use.mac) continue;
    const entry = neighbourEntry({ address: base, mac: each.use.mac }, device);
    changes.push(wantedChange(entry, [formatCidr(each.lease.subnet)]));
  }
  return changes;
}

function fdbChanges(present: readonly FdbEntry[], wanted: VxlanState, device: string): Change[] {
  const wantedMacs = new Set(wanted.fdb.map(({ mac }) => mac));
  const changes: Change[] = [];
  const destinations = new Map<string, number>();
  for (const { mac, destination, permanent } of present) {
    // What the device has learned by itself (Learning) is its own business.
    if (!permanent) continue;
    destinations.set(mac, destination);
    if (!wantedMacs.has(mac)) changes.push(staleChange(`fdb ${mac}`, dropFdb({ mac, destination }, device)));
  }
  for (const each of wanted.fdb) {
    if (destinations.get(each.mac) === each.destination) continue;
    changes.push(wantedChange(fdbEntry(each, device), each.subnets));
  }
  return changes;
}

/**
 * The changes from the kernel's state to the wanted one, in order. A peer comes in flannel's order: neighbour, forwarding
 * entry, and the route last, so that no packet takes it before the rest is there; stale routes go before anything else.
 * `blocked` has the reasons of the routes that can't be, and `isForeign` knows another's routes that go as well.
 */
export function vxlanChanges(
  kernel: VxlanKernelState,
  wanted: VxlanState,
  device: string,
  isForeign: (route: Route) => boolean = () => false,
): { readonly changes: readonly Change[]; readonly blocked: ReadonlyMap<string, string> } {
  const isOurs = isStaleRoute(device);
  const isStale = (route: Route): boolean => isOurs(route) || isForeign(route);
  const { stale, routes, blocked } = sortRouteChanges(kernel.routes, wanted.routes, isStale);
  const changes = [
    ...stale,
    ...neighbourChanges(kernel.neighbours, wanted, device),
    ...fdbChanges(kernel.fdb, wanted, device),
    ...routes,
  ];
  return { changes, blocked };
}
