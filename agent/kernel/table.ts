import { type Cidr, formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import type { FdbEntry, Neighbour, Route } from './ip.ts';
import { linkIndexes } from './ip.ts';
import { type Attribute, ipv4Bytes, macBytes, type Request, u32 } from './netlink/message.ts';
import {
  addressFamily,
  mainTable,
  messageType,
  neighbourAttribute,
  permanentState,
  routeAttribute,
  routeFlag,
  routeType,
} from './netlink/rtnetlink.ts';
import { createFlag, replaceFlag, routeNetlink } from './netlink/socket.ts';
import { deleteRouteLine, replaceRouteLine, routeProtocol, type WantedRoute } from './route.ts';

/** A change of one of the kernel's tables: the line of `ip` or `bridge` that would make it, and the request that does. */
export interface TableChange {
  readonly line: string;
  /** Whose index the request needs; null when it needs none. */
  readonly device: string | null;
  readonly request: (index: number) => Request;
}

/* linux/rtnetlink.h, RT_SCOPE_UNIVERSE, RT_SCOPE_LINK and RT_SCOPE_NOWHERE. */
const scope = { universe: 0, link: 253, nowhere: 255 } as const;
/** A forwarding entry of the device itself, not of a bridge that it is a port of (NTF_SELF). */
const selfFlag = 2;

function routeFixed(
  route: Pick<Route, 'destination' | 'onlink' | 'protocol' | 'type'>,
  reach: number,
): Buffer {
  const fixed = Buffer.alloc(12);
  fixed[0] = addressFamily.internet;
  fixed[1] = route.destination.length;
  fixed[4] = mainTable;
  fixed[5] = route.protocol;
  fixed[6] = reach;
  fixed[7] = route.type;
  fixed.writeUInt32LE(route.onlink ? routeFlag.onlink : 0, 8);
  return fixed;
}

function routeAttributes(
  route: Pick<Route, 'destination' | 'gateway' | 'device'>,
  index: number,
): Attribute[] {
  const attributes: Attribute[] = [[routeAttribute.destination, ipv4Bytes(route.destination.base)]];
  if (route.gateway !== null) attributes.push([routeAttribute.gateway, ipv4Bytes(route.gateway)]);
  if (route.device !== null) attributes.push([routeAttribute.device, u32(index)]);
  return attributes;
}

/** Puts a route into the main table, in the place of any other for its destination. */
export const putRoute = (route: WantedRoute): TableChange => ({
  line: replaceRouteLine(route),
  device: route.device,
  request: (index) => ({
    type: messageType.putRoute,
    flags: createFlag | replaceFlag,
    fixed: routeFixed(
      { ...route, protocol: routeProtocol, type: routeType.unicast },
      route.gateway === null ? scope.link : scope.universe,
    ),
    attributes: routeAttributes(route, index),
  }),
});

const metricAttribute = (metric: number): Attribute[] =>
  metric === 0 ? [] : [[routeAttribute.metric, u32(metric)]];

/** Puts a route that drops what goes to a range and has no better route. */
export const putBlackhole = (destination: Cidr, metric: number): TableChange => ({
  line: `route replace blackhole ${formatCidr(destination)} metric ${metric} proto ${routeProtocol}`,
  device: null,
  request: () => ({
    type: messageType.putRoute,
    flags: createFlag | replaceFlag,
    fixed: routeFixed(
      { destination, onlink: false, protocol: routeProtocol, type: routeType.blackhole },
      scope.universe,
    ),
    attributes: [
      ...routeAttributes({ destination, gateway: null, device: null }, 0),
      ...metricAttribute(metric),
    ],
  }),
});

/** Takes out exactly this route. */
export const dropRoute = (route: Route): TableChange => ({
  line: deleteRouteLine(route),
  device: route.device,
  request: (index) => ({
    type: messageType.dropRoute,
    flags: 0,
    fixed: routeFixed({ ...route, onlink: false }, scope.nowhere),
    attributes: [...routeAttributes(route, index), ...metricAttribute(route.metric)],
  }),
});

function neighbourRequest(
  what: { readonly family: number; readonly put: boolean; readonly index: number },
  attributes: readonly Attribute[],
): Request {
  const fixed = Buffer.alloc(12);
  fixed[0] = what.family;
  fixed.writeInt32LE(what.index, 4);
  fixed.writeUInt16LE(permanentState, 8);
  fixed[10] = what.family === addressFamily.bridge ? selfFlag : 0;
  return what.put
    ? { type: messageType.putNeighbour, flags: createFlag | replaceFlag, fixed, attributes }
    : { type: messageType.dropNeighbour, flags: 0, fixed, attributes };
}

/** Puts a neighbour that never ages, in the place of another MAC. */
export const putNeighbour = (
  { address, mac }: { readonly address: number; readonly mac: string },
  device: string,
): TableChange => ({
  line: `neighbour replace ${formatIpv4(address)} lladdr ${mac} dev ${device} nud permanent`,
  device,
  request: (index) =>
    neighbourRequest({ family: addressFamily.internet, put: true, index }, [
      [neighbourAttribute.destination, ipv4Bytes(address)],
      [neighbourAttribute.mac, macBytes(mac)],
    ]),
});

export const dropNeighbour = ({ address }: Pick<Neighbour, 'address'>, device: string): TableChange => ({
  line: `neighbour delete ${formatIpv4(address)} dev ${device}`,
  device,
  request: (index) =>
    neighbourRequest({ family: addressFamily.internet, put: false, index }, [
      [neighbourAttribute.destination, ipv4Bytes(address)],
    ]),
});

const fdbAttributes = ({ mac, destination }: Pick<FdbEntry, 'mac' | 'destination'>): Attribute[] => [
  [neighbourAttribute.destination, ipv4Bytes(destination)],
  [neighbourAttribute.mac, macBytes(mac)],
];

/** Puts a forwarding entry that never ages, in the place of another host. */
export const putFdb = (entry: Pick<FdbEntry, 'mac' | 'destination'>, device: string): TableChange => ({
  line: `fdb replace ${entry.mac} dev ${device} dst ${formatIpv4(entry.destination)} self permanent`,
  device,
  request: (index) =>
    neighbourRequest({ family: addressFamily.bridge, put: true, index }, fdbAttributes(entry)),
});

export const dropFdb = (entry: Pick<FdbEntry, 'mac' | 'destination'>, device: string): TableChange => ({
  line: `fdb delete ${entry.mac} dev ${device} dst ${formatIpv4(entry.destination)} self`,
  device,
  request: (index) =>
    neighbourRequest({ family: addressFamily.bridge, put: false, index }, fdbAttributes(entry)),
});

/** Makes changes in their order, going on after one that is refused; resolves to the reasons of those by their places. */
export async function applyTable(changes: readonly TableChange[]): Promise<Map<number, string>> {
  const refused = new Map<number, string>();
  if (changes.length === 0) return refused;
  const indexes = await linkIndexes(changes.flatMap(({ device }) => (device === null ? [] : [device])));
  const requests: Request[] = [];
  const places: number[] = [];
  for (const [place, { device, request }] of changes.entries()) {
    const index = device === null ? 0 : indexes.get(device);
    if (index === undefined) {
      refused.set(place, `there is no device ${device}`);
      continue;
    }
    requests.push(request(index));
    places.push(place);
  }
  for (const { index, reason } of (await routeNetlink()).change(requests)) {
    const place = places[index];
    if (place !== undefined) refused.set(place, reason);
  }
  return refused;
}
