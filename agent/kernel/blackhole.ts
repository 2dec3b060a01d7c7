import { type Cidr, formatCidr } from '../../contract/ipv4.ts';
import { type Route, showRoutes } from './ip.ts';
import { routeType } from './netlink/rtnetlink.ts';
import { routeProtocol } from './route.ts';
import { applyTable, dropRoute, putBlackhole } from './table.ts';

/** The worst there is, so that the route of a bridge for the same subnet comes first, whoever was there first. */
const metric = 0xffff_ffff;

const isOurs = ({ protocol, type }: Route): boolean =>
  protocol === routeProtocol && type === routeType.blackhole;

/**
 * Has the kernel drop packets to addresses of our subnet that no bridge or container has, instead of sending them by the
 * default route (flanneld's -ip-blackhole-route); null: none, also not one of an earlier life. Resolves to the number of
 * routes changed.
 */
export async function ensureBlackhole(subnet: Cidr | null): Promise<number> {
  const present = (await showRoutes()).filter(isOurs);
  const isWanted = (route: Route): boolean =>
    subnet !== null && route.metric === metric && formatCidr(route.destination) === formatCidr(subnet);
  const changes = present.filter((route) => !isWanted(route)).map(dropRoute);
  if (subnet !== null && !present.some(isWanted)) changes.push(putBlackhole(subnet, metric));
  for (const reason of (await applyTable(changes)).values()) throw new Error(reason);
  return changes.length;
}
