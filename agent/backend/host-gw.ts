import { type Cidr, cidrContains, formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import { type Route, showLinks, showRoutes } from '../kernel/ip.ts';
import { isPeerRoute, type WantedRoute } from '../kernel/route.ts';
import { ensureForwarding } from '../kernel/sysctl.ts';
import type { Lease } from '../lease/lease.ts';
import { rememberLast } from '../remember.ts';
import type { Backend, ExternalInterface, Programmed } from './backend.ts';
import {
  applyChanges,
  countRepairs,
  type Entry,
  isFlanneldRoute,
  routeEntry,
  sortRouteChanges,
} from './change.ts';
import { createPeerStates, type Own, otherType, type Sorted, sortLeases } from './peers.ts';

/** What the leases ask for: one route per peer on the link, and the reasons why others can't be reached. */
export interface HostGwState {
  readonly sorted: readonly Sorted<null>[];
  readonly routes: readonly WantedRoute[];
  readonly unreachable: ReadonlyMap<string, string>;
}

/** Computes the wanted state from the leases and the ranges that are directly on the external interface's link. */
function hostGwState(own: Own, device: string, link: readonly Cidr[], leases: readonly Lease[]): HostGwState {
  const sorted = sortLeases<null>(own, leases, (lease) => otherType('host-gw', lease) ?? { use: null });
  const routes: WantedRoute[] = [];
  const unreachable = new Map<string, string>();
  for (const each of sorted) {
    if (each.kind === 'ignored') continue;
    const { subnet, publicIp } = each.lease;
    if (link.some((range) => cidrContains(range, publicIp)))
      routes.push({ destination: subnet, gateway: publicIp, device, onlink: false });
    else
      unreachable.set(
        formatCidr(subnet),
        `${formatIpv4(publicIp)} is not on the link of ${device}; host-gw needs that, vxlan does not`,
      );
  }
  return { sorted, routes, unreachable };
}

/** The ranges of an interface's addresses: what it reaches without a gateway. */
async function linkRanges(name: string): Promise<Cidr[]> {
  const [link] = await showLinks(name);
  if (link === undefined) throw new Error(`interface ${name} is gone`);
  return link.addresses.map(({ address, length }) => ({
    base: address - (address % 2 ** (32 - length)),
    length,
  }));
}

/** flannel's host-gw backend (pkg/backend/hostgw): no device of its own, one route per peer over the underlay. */
export async function createHostGw(external: ExternalInterface): Promise<Backend> {
  if (external.publicIp !== external.address)
    throw new Error(
      `host-gw routes to the hosts themselves: the public address ${formatIpv4(external.publicIp)} ` +
        `must be that of ${external.name}, ${formatIpv4(external.address)}`,
    );
  let place: Own | null = null;
  let before: (() => readonly Entry[]) | null = null;
  const stateOf = rememberLast(hostGwState);
  const statesOf = createPeerStates<null>();

  async function program(peers: readonly Lease[], signal: AbortSignal): Promise<Programmed> {
    if (place === null) throw new Error('start comes before program');
    signal.throwIfAborted();
    const forwarding = await ensureForwarding([external.name]);
    const [link, routes] = await Promise.all([linkRanges(external.name), showRoutes()]);
    const state = stateOf(place, external.name, link, peers);
    const own = place;
    // Only at first: what somebody writes by hand while we run is no trace of an earlier life.
    const isStale = (route: Route): boolean =>
      isPeerRoute(route) || (before === null && isFlanneldRoute(route, own, external.name));
    const sorted = sortRouteChanges(routes, state.routes, isStale);
    const changes = [...sorted.stale, ...sorted.routes];
    const refused = await applyChanges(changes, signal);
    const failed = new Map([...refused, ...sorted.blocked, ...state.unreachable]);
    const repairs = forwarding + countRepairs(changes, before);
    before = () => state.routes.map(routeEntry);
    return { peers: statesOf(state.sorted, failed), repairs };
  }

  return {
    attributes: { BackendType: 'host-gw' },
    mtu: external.mtu,
    async start(network, own) {
      await ensureForwarding([external.name]);
      place = { network, subnet: own, publicIp: external.publicIp };
    },
    program,
    device: () => null,
    traffic: () => null,
    descriptors: () => null,
    // Routes work without us, so that pods stay reachable while the agent restarts.
    stop: async () => {},
  };
}
