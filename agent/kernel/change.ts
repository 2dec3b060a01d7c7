import { formatCidr, formatIpv4 } from '../../contract/ipv4.ts';
import type { Route, VxlanAttributes } from './ip.ts';
import { type Attribute, ipv4Bytes, macBytes, nested, type Request, text, u8, u32 } from './netlink/message.ts';
import { createFlag, exclusiveFlag, replaceFlag } from './netlink/socket.ts';
import { routeProtocol, type WantedRoute } from './route.ts';

/** One change of the kernel's state. Devices are named; MACs are lower-case with colons, addresses unsigned 32-bit numbers. */
export type KernelChange =
  | { readonly kind: 'route'; readonly act: 'replace'; readonly route: WantedRoute }
  | { readonly kind: 'route'; readonly act: 'delete'; readonly route: Route }
  | {
      readonly kind: 'neighbour';
      readonly act: 'replace';
      readonly device: string;
      readonly address: number;
      readonly mac: string;
    }
  | { readonly kind: 'neighbour'; readonly act: 'delete'; readonly device: string; readonly address: number }
  | {
      readonly kind: 'fdb';
      readonly act: 'replace' | 'delete';
      readonly device: string;
      readonly mac: string;
      readonly destination: number;
    }
  | {
      readonly kind: 'address';
      readonly act: 'add' | 'delete';
      readonly device: string;
      readonly address: number;
      readonly length: number;
    }
  | {
      readonly kind: 'link';
      readonly act: 'add';
      readonly name: string;
      readonly mac: string;
      readonly mtu: number;
      readonly vxlan: VxlanAttributes;
    }
  | {
      readonly kind: 'link';
      readonly act: 'set';
      readonly device: string;
      readonly mac?: string;
      readonly mtu?: number;
      readonly up?: true;
    }
  | { readonly kind: 'link'; readonly act: 'delete'; readonly device: string };

/* linux/rtnetlink.h, linux/neighbour.h, linux/if_link.h, linux/if_addr.h */
const ipv4Family = 2;
const bridgeFamily = 7;
const newLink = 16;
const deleteLink = 17;
const newAddress = 20;
const deleteAddress = 21;
const newRoute = 24;
const removeRoute = 25;
const newNeighbour = 28;
const deleteNeighbour = 29;
const mainTable = 254;
const linkScope = 253;
const anyScope = 255;
const onlinkFlag = 4;
const permanentState = 0x80;
const selfFlag = 2;
const upFlag = 1;

const unicast = 1;

/** The types that a rival of ours can have besides unicast (linux/rtnetlink.h), in `ip route`'s words. */
const typeNames = new Map([
  [6, 'blackhole'],
  [7, 'unreachable'],
  [8, 'prohibit'],
  [9, 'throw'],
]);

function routeWords({ destination, gateway, device, onlink }: WantedRoute | Route): string {
  const parts = [formatCidr(destination)];
  if (gateway !== null) parts.push(`via ${formatIpv4(gateway)}`);
  if (device !== null) parts.push(`dev ${device}`);
  if (onlink) parts.push('onlink');
  return parts.join(' ');
}

/** A change in words, nearly those of `ip` and `bridge`: for messages, and equal for equal changes. */
export function changeText(change: KernelChange): string {
  const start = `${change.kind} ${change.act}`;
  switch (change.kind) {
    case 'route': {
      if (change.act === 'replace') return `${start} ${routeWords(change.route)} proto ${routeProtocol}`;
      const { type, metric, protocol } = change.route;
      const name = typeNames.get(type);
      const prefix = name === undefined ? '' : `${name} `;
      return `${start} ${prefix}${routeWords(change.route)} metric ${metric} proto ${protocol}`;
    }
    case 'neighbour': {
      const mac = change.act === 'replace' ? ` lladdr ${change.mac}` : '';
      return `${start} ${formatIpv4(change.address)}${mac} dev ${change.device}`;
    }
    case 'fdb':
      return `${start} ${change.mac} dev ${change.device} dst ${formatIpv4(change.destination)}`;
    case 'address':
      return `${start} ${formatIpv4(change.address)}/${change.length} dev ${change.device}`;
    case 'link': {
      if (change.act === 'add') return `${start} ${change.name}`;
      if (change.act === 'delete') return `${start} dev ${change.device}`;
      const mac = change.mac === undefined ? '' : ` address ${change.mac}`;
      const mtu = change.mtu === undefined ? '' : ` mtu ${change.mtu}`;
      return `${start} dev ${change.device}${mac}${mtu}${change.up === true ? ' up' : ''}`;
    }
  }
}

/** The devices that have to be there for a change. */
export function changeDevice(change: KernelChange): string | null {
  if (change.kind === 'route') return change.route.device;
  return change.kind === 'link' && change.act === 'add' ? change.vxlan.lower : change.device;
}

/** struct ifinfomsg. */
function linkPart(index: number, up: boolean): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.writeInt32LE(index, 4);
  fixed.writeUInt32LE(up ? upFlag : 0, 8);
  fixed.writeUInt32LE(up ? upFlag : 0, 12);
  return fixed;
}

/** struct ndmsg. */
function neighbourPart(family: number, index: number, state: number, flags: number): Buffer {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt8(family, 0);
  fixed.writeInt32LE(index, 4);
  fixed.writeUInt16LE(state, 8);
  fixed.writeUInt8(flags, 10);
  return fixed;
}

function routeRequest(change: KernelChange & { kind: 'route' }, index: number): Request {
  const { destination, gateway, device, onlink } = change.route;
  const attributes: Attribute[] = [[1, ipv4Bytes(destination.base)]];
  if (gateway !== null) attributes.push([5, ipv4Bytes(gateway)]);
  if (device !== null) attributes.push([4, u32(index)]);
  const replaces = change.act === 'replace';
  if (!replaces) attributes.push([6, u32(change.route.metric)]);
  // A scope of "link" says that the destination is reached without a gateway; to delete a route it needn't be known.
  const scope = !replaces ? anyScope : gateway === null ? linkScope : 0;
  const [protocol, type] = replaces ? [routeProtocol, unicast] : [change.route.protocol, change.route.type];
  // struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type, flags.
  const fixed = Buffer.from([
    ipv4Family,
    destination.length,
    0,
    0,
    mainTable,
    protocol,
    scope,
    type,
    onlink ? onlinkFlag : 0,
    0,
    0,
    0,
  ]);
  return replaces
    ? { type: newRoute, flags: createFlag | replaceFlag, fixed, attributes }
    : { type: removeRoute, flags: 0, fixed, attributes };
}

function vxlanAttributes(vxlan: VxlanAttributes, lower: number): Attribute[] {
  const port = Buffer.alloc(2);
  port.writeUInt16BE(vxlan.port);
  const attributes: Attribute[] = [
    [1, u32(vxlan.vni)],
    [15, port],
    [7, u8(vxlan.learning ? 1 : 0)],
  ];
  if (vxlan.lower !== null) attributes.push([3, u32(lower)]);
  if (vxlan.local !== null) attributes.push([4, ipv4Bytes(vxlan.local)]);
  if (vxlan.gbp) attributes.push([23, Buffer.alloc(0)]);
  return attributes;
}

function linkRequest(change: KernelChange & { kind: 'link' }, index: number): Request {
  if (change.act === 'delete')
    return { type: deleteLink, flags: 0, fixed: linkPart(index, false), attributes: [] };
  const attributes: Attribute[] = [];
  if (change.mac !== undefined) attributes.push([1, macBytes(change.mac)]);
  if (change.mtu !== undefined) attributes.push([4, u32(change.mtu)]);
  if (change.act === 'set')
    return { type: newLink, flags: 0, fixed: linkPart(index, change.up === true), attributes };
  attributes.push([3, text(change.name)]);
  const info = nested([
    [1, text('vxlan')],
    [2, nested(vxlanAttributes(change.vxlan, index))],
  ]);
  attributes.push([18, info]);
  return { type: newLink, flags: createFlag | exclusiveFlag, fixed: linkPart(0, false), attributes };
}

/** A change as a request to the kernel; `index` is that of `changeDevice`, 0 when there is none. */
export function changeRequest(change: KernelChange, index: number): Request {
  switch (change.kind) {
    case 'route':
      return routeRequest(change, index);
    case 'link':
      return linkRequest(change, index);
    case 'neighbour': {
      const attributes: Attribute[] = [[1, ipv4Bytes(change.address)]];
      if (change.act === 'delete')
        return {
          type: deleteNeighbour,
          flags: 0,
          fixed: neighbourPart(ipv4Family, index, 0, 0),
          attributes,
        };
      attributes.push([2, macBytes(change.mac)]);
      const fixed = neighbourPart(ipv4Family, index, permanentState, 0);
      return { type: newNeighbour, flags: createFlag | replaceFlag, fixed, attributes };
    }
    case 'fdb': {
      const fixed = neighbourPart(bridgeFamily, index, permanentState, selfFlag);
      const attributes: Attribute[] = [
        [2, macBytes(change.mac)],
        [1, ipv4Bytes(change.destination)],
      ];
      return change.act === 'replace'
        ? { type: newNeighbour, flags: createFlag | replaceFlag, fixed, attributes }
        : { type: deleteNeighbour, flags: 0, fixed, attributes };
    }
    case 'address': {
      // struct ifaddrmsg: family, length, flags, scope, index.
      const fixed = Buffer.from([ipv4Family, change.length, 0, 0, 0, 0, 0, 0]);
      fixed.writeUInt32LE(index, 4);
      const attributes: Attribute[] = [
        [2, ipv4Bytes(change.address)],
        [1, ipv4Bytes(change.address)],
      ];
      return change.act === 'add'
        ? { type: newAddress, flags: createFlag | exclusiveFlag, fixed, attributes }
        : { type: deleteAddress, flags: 0, fixed, attributes };
    }
  }
}
