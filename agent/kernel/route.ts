import { type Cidr, formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import type { Route } from './ip.ts';

/**
 * The routing protocol number that marks our routes, so that they are recognised in a later life. The user's own routes
 * have 3 or 4; 85 has no owner in rtnetlink.h or iproute2's rt_protos (80, say, is Calico's).
 */
export const routeProtocol = 85;

/** A route that we want. `onlink`: the gateway is reached through the device whatever the other routes say. */
export interface WantedRoute {
  readonly destination: Cidr;
  readonly gateway: number | null;
  readonly device: string;
  readonly onlink: boolean;
}

const unicast = 1;

/** The types that a rival of ours can have besides unicast (linux/rtnetlink.h), in `ip route`'s words. */
const typeNames = new Map([
  [6, 'blackhole'],
  [7, 'unreachable'],
  [8, 'prohibit'],
  [9, 'throw'],
]);

/** A route's words as `ip route` takes them. */
function words(route: Pick<Route, 'destination' | 'gateway' | 'device' | 'onlink'>): string {
  const parts = [formatCidr(route.destination)];
  if (route.gateway !== null) parts.push(`via ${formatIpv4(route.gateway)}`);
  if (route.device !== null) parts.push(`dev ${route.device}`);
  if (route.onlink) parts.push('onlink');
  return parts.join(' ');
}

export const replaceRoute = (route: WantedRoute): string =>
  `route replace ${words(route)} proto ${routeProtocol}`;

export function deleteRoute(route: Route): string {
  const type = typeNames.get(route.type);
  const prefix = type === undefined ? '' : `${type} `;
  return `route delete ${prefix}${words(route)} metric ${route.metric} proto ${route.protocol}`;
}

const sameRange = (one: Cidr, other: Cidr): boolean => one.base === other.base && one.length === other.length;

/** Whether the kernel's route does what the wanted one does, whoever put it in. */
const does = (route: Route, wanted: WantedRoute): boolean =>
  route.type === unicast &&
  route.metric === 0 &&
  sameRange(route.destination, wanted.destination) &&
  route.gateway === wanted.gateway &&
  route.device === wanted.device &&
  route.onlink === wanted.onlink;

/** One line for `ip -batch` and the wanted route that it brings about; null for a stale one that goes. */
export interface RouteChange {
  readonly line: string;
  readonly destination: Cidr;
  readonly wanted: WantedRoute | null;
}

/**
 * What turns the main table into the wanted state: stale routes go first (`isStale` knows which of the others are ours),
 * then each wanted destination gets its route. Another's route for the very same destination and metric is replaced,
 * as flannel does (route_network.go), for it would be used instead of ours.
 */
export function routeChanges(
  kernel: readonly Route[],
  wanted: readonly WantedRoute[],
  isStale: (route: Route) => boolean,
): RouteChange[] {
  const changes: RouteChange[] = [];
  const rivals = new Map<string, Route[]>();
  for (const route of kernel) {
    if (route.metric !== 0) continue;
    const key = formatCidr(route.destination);
    rivals.set(key, [...(rivals.get(key) ?? []), route]);
  }
  const wantedKeys = new Set(wanted.map(({ destination }) => formatCidr(destination)));
  for (const route of kernel) {
    const isRival = route.metric === 0 && wantedKeys.has(formatCidr(route.destination));
    if (!isRival && isStale(route))
      changes.push({ line: deleteRoute(route), destination: route.destination, wanted: null });
  }
  for (const route of wanted) {
    const { destination } = route;
    const present = rivals.get(formatCidr(destination)) ?? [];
    const position = present.findIndex((each) => does(each, route));
    if (position < 0) changes.push({ line: replaceRoute(route), destination, wanted: route });
    // Ours is there, but behind others: the kernel uses the first.
    for (const rival of present.slice(0, Math.max(position, 0)))
      changes.push({ line: deleteRoute(rival), destination, wanted: route });
  }
  return changes;
}
