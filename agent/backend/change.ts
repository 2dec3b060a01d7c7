import { type Cidr, cidrContains, formatCidr } from '../../contract/ipv4.ts';
import type { Route } from '../kernel/ip.ts';
import type { WantedRoute } from '../kernel/route.ts';
import { rangeKey, routeChanges } from '../kernel/route-changes.ts';
import { applyTable, putRoute, type TableChange } from '../kernel/table.ts';

/** An entry of the kernel that we want, under the name of its place, and the change that puts it there. */
export interface Entry {
  readonly name: string;
  readonly change: TableChange;
}

/** One change. `wanted` is the entry that it brings about, null for a stale one that goes; `subnets` the peers it is for. */
export interface Change {
  readonly name: string;
  readonly change: TableChange;
  readonly wanted: Entry | null;
  readonly subnets: readonly string[];
}

export const staleChange = (name: string, change: TableChange): Change => ({
  name,
  change,
  wanted: null,
  subnets: [],
});

export const wantedChange = (entry: Entry, subnets: readonly string[]): Change => ({
  ...entry,
  wanted: entry,
  subnets,
});

/** Makes all changes in their order, going on after one that fails; resolves to the reasons of the failures by the peers' subnets. */
export async function applyChanges(
  changes: readonly Change[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  signal.throwIfAborted();
  const failed = new Map<string, string>();
  for (const [index, reason] of await applyTable(changes.map(({ change }) => change))) {
    const refused = changes[index];
    // A stale entry that is gone already is as it should be; one that stays comes up again at the next pass.
    if (refused === undefined || refused.wanted === null) continue;
    for (const subnet of refused.subnets) failed.set(subnet, `${refused.name}: ${reason}`);
  }
  return failed;
}

/**
 * How many of the changes put right what somebody else had changed: an entry that the pass before had brought about and
 * that was wrong now, or a foreign one that had come up since. Before the first pass (null) nothing of it was ours.
 * `before` makes the entries of the pass before, which only changes need.
 */
export function countRepairs(changes: readonly Change[], before: (() => readonly Entry[]) | null): number {
  if (before === null || changes.length === 0) return 0;
  const entries = before();
  const lines = new Set(entries.map(({ change }) => change.line));
  const names = new Set(entries.map(({ name }) => name));
  return changes.filter(({ name, wanted }) =>
    wanted === null ? !names.has(name) : lines.has(wanted.change.line),
  ).length;
}

/* rtnetlink(7), RTPROT_BOOT: what `ip` and flanneld write. */
const byHand = 3;

/**
 * Whether a route has the shape of flanneld's own over the underlay (its route_network.go): to a subnet of the network
 * through a host on the device's link. It leaves them behind, also those of hosts that are no more.
 */
export const isFlanneldRoute = (
  { protocol, metric, device, gateway, onlink, destination }: Route,
  { network, subnet }: { readonly network: Cidr; readonly subnet: Cidr },
  underlay: string,
): boolean =>
  protocol === byHand &&
  metric === 0 &&
  device === underlay &&
  gateway !== null &&
  !onlink &&
  destination.length === subnet.length &&
  cidrContains(network, destination.base);

/** The kernel's own routes, which come with an interface's address (rtnetlink(7), RTPROT_KERNEL). */
const kernelProtocol = 2;

/** Why some wanted routes can't be, by their destination: it is the range of one of this host's own interfaces. */
function blockedRoutes(
  kernel: readonly Route[],
  wanted: readonly WantedRoute[],
): ReadonlyMap<string, string> {
  const ranges = new Map<number, string>();
  for (const { destination, protocol, metric, device } of kernel)
    if (protocol === kernelProtocol && metric === 0 && device !== null)
      ranges.set(rangeKey(destination), device);
  const blocked = new Map<string, string>();
  for (const { destination, device } of wanted) {
    const owner = ranges.get(rangeKey(destination));
    if (owner === undefined || owner === device) continue;
    const subnet = formatCidr(destination);
    blocked.set(subnet, `${subnet} is also the range of ${owner} on this host`);
  }
  return blocked;
}

/**
 * `routeChanges` in two parts: stale routes go first, `routes` is for the end. A route that comes with an address of this
 * host isn't replaced: that would cut off whoever is there, such as containers whose bridge still has an old subnet.
 */
export function sortRouteChanges(
  kernel: readonly Route[],
  wanted: readonly WantedRoute[],
  isStale: (route: Route) => boolean,
): {
  readonly stale: readonly Change[];
  readonly routes: readonly Change[];
  readonly blocked: ReadonlyMap<string, string>;
} {
  const stale: Change[] = [];
  const routes: Change[] = [];
  const blocked = blockedRoutes(kernel, wanted);
  const possible =
    blocked.size === 0 ? wanted : wanted.filter(({ destination }) => !blocked.has(formatCidr(destination)));
  for (const { change, destination, wanted: route } of routeChanges(kernel, possible, isStale)) {
    const subnet = formatCidr(destination);
    const name = `route ${subnet}`;
    if (route === null) stale.push(staleChange(name, change));
    else routes.push({ name, change, wanted: routeEntry(route), subnets: [subnet] });
  }
  return { stale, routes, blocked };
}

export const routeEntry = (route: WantedRoute): Entry => ({
  name: `route ${formatCidr(route.destination)}`,
  change: putRoute(route),
});
