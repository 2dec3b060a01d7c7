import type { Cidr } from '../../contract/ipv4.ts';
import type { Route } from './ip.ts';
import { isPeerRoute, type WantedRoute } from './route.ts';
import { dropRoute, putRoute, type TableChange } from './table.ts';

/** A range as a key of maps: different ranges have different ones. */
export const rangeKey = ({ base, length }: Cidr): number => base * 64 + length;

const sameRange = (one: Cidr, other: Cidr): boolean => one.base === other.base && one.length === other.length;

/** Whether the kernel's route is the wanted one, with our mark: another's that does the same would outlive its peer. */
const does = (route: Route, wanted: WantedRoute): boolean =>
  isPeerRoute(route) &&
  route.metric === 0 &&
  sameRange(route.destination, wanted.destination) &&
  route.gateway === wanted.gateway &&
  route.device === wanted.device &&
  route.onlink === wanted.onlink;

/** A change of the main table and the wanted route that it brings about; null for a stale one that goes. */
export interface RouteChange {
  readonly change: TableChange;
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
  const rivals = new Map<number, Route[]>();
  for (const route of kernel) {
    if (route.metric !== 0) continue;
    const key = rangeKey(route.destination);
    const others = rivals.get(key);
    if (others === undefined) rivals.set(key, [route]);
    else others.push(route);
  }
  const wantedKeys = new Set(wanted.map(({ destination }) => rangeKey(destination)));
  for (const route of kernel) {
    const isRival = route.metric === 0 && wantedKeys.has(rangeKey(route.destination));
    if (!isRival && isStale(route))
      changes.push({ change: dropRoute(route), destination: route.destination, wanted: null });
  }
  for (const route of wanted) {
    const { destination } = route;
    const present = rivals.get(rangeKey(destination)) ?? [];
    const position = present.findIndex((each) => does(each, route));
    if (position < 0) changes.push({ change: putRoute(route), destination, wanted: route });
    // Ours is there, but behind others: the kernel uses the first.
    for (const rival of present.slice(0, Math.max(position, 0)))
      changes.push({ change: dropRoute(rival), destination, wanted: route });
  }
  return changes;
}
