import { type Cidr, formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import type { Route } from './ip.ts';
import { routeType } from './netlink/rtnetlink.ts';

/**
 * The routing protocol number that marks our routes, so that they are recognised in a later life. The user's own routes
 * have 3 or 4; 85 has no owner in rtnetlink.h or iproute2's rt_protos (80, say, is Calico's).
 */
export const routeProtocol = 85;

/** Whether a route leads to a peer and is ours, of this life or an earlier one. */
export const isPeerRoute = ({ protocol, type }: Pick<Route, 'protocol' | 'type'>): boolean =>
  protocol === routeProtocol && type === routeType.unicast;

/** A route that we want. `onlink`: the gateway is reached through the device whatever the other routes say. */
export interface WantedRoute {
  readonly destination: Cidr;
  readonly gateway: number | null;
  readonly device: string;
  readonly onlink: boolean;
}

/** The types that a rival of ours can have besides unicast (linux/rtnetlink.h), in `ip route`'s words. */
const typeNames = new Map([
  [routeType.blackhole, 'blackhole'],
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

export const replaceRouteLine = (route: WantedRoute): string =>
  `route replace ${words(route)} proto ${routeProtocol}`;

export function deleteRouteLine(route: Route): string {
  const type = typeNames.get(route.type);
  const prefix = type === undefined ? '' : `${type} `;
  return `route delete ${prefix}${words(route)} metric ${route.metric} proto ${route.protocol}`;
}
