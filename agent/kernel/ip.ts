import type { Cidr } from '../../contract/ipv4.ts';
import { run } from './command.ts';
import {
  addressOf,
  ipv4Bytes,
  type Message,
  macText,
  numberOf,
  type Request,
  readAttributes,
  text,
  textOf,
  u32,
} from './netlink/message.ts';
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
import { routeNetlink } from './netlink/socket.ts';

/** An IPv4 address of a link, as an unsigned 32-bit number. */
export interface LinkAddress {
  readonly address: number;
  readonly length: number;
  readonly scope: string;
}

/** What `ip -details link` says of a vxlan device; `local` and `lower` are null when it has none. */
export interface VxlanAttributes {
  readonly vni: number;
  readonly port: number;
  readonly local: number | null;
  readonly lower: string | null;
  readonly learning: boolean;
  readonly gbp: boolean;
  readonly l2miss: boolean;
}

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly mtu: number;
  /** The hardware address, null for a device that has none, such as a TUN. */
  readonly mac: string | null;
  /** `vxlan`, `tun`, `veth`…; null for a device of its own kind, such as a network card. */
  readonly kind: string | null;
  readonly vxlan: VxlanAttributes | null;
  readonly addresses: readonly LinkAddress[];
}

/** A route of the main table. `gateway` is null for a route that needs none, `device` for one that has none or several. */
export interface Route {
  readonly destination: Cidr;
  readonly gateway: number | null;
  readonly device: string | null;
  readonly onlink: boolean;
  readonly metric: number;
  /** The protocol's number (rtnetlink(7)); 3, `boot`, for a route put in by hand. */
  readonly protocol: number;
  /** The route's type as a number (rtnetlink(7)): 1 is unicast, 6 a blackhole. */
  readonly type: number;
}

export interface Neighbour {
  readonly address: number;
  readonly mac: string | null;
  readonly permanent: boolean;
}

export interface FdbEntry {
  readonly mac: string;
  readonly destination: number;
  readonly permanent: boolean;
}

/* linux/if_arp.h, linux/if.h, linux/if_link.h, linux/if_addr.h */
const ethernet = 1;
const isUp = 1;
const linkAttribute = { mac: 1, name: 3, mtu: 4, info: 18, kind: 1, data: 2 } as const;
const vxlanAttribute = {
  vni: 1,
  lower: 3,
  local: 4,
  learning: 7,
  l2miss: 13,
  port: 15,
  gbp: 23,
} as const;
const addressAttribute = { address: 1, local: 2 } as const;
const scopes = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
]);

async function list(type: number, fixed: Buffer, attributes: Request['attributes'] = []): Promise<Message[]> {
  return (await routeNetlink()).dump({ type, flags: 0, fixed, attributes });
}

const familyIn = (length: number, family: number): Buffer => {
  const fixed = Buffer.alloc(length);
  fixed[0] = family;
  return fixed;
};

/** The parts of a link that only vxlan devices have; `names` has those of all links by their index. */
function vxlanOf(data: Buffer | undefined, names: ReadonlyMap<number, string>): VxlanAttributes {
  const attributes = readAttributes(data ?? Buffer.alloc(0));
  const port = attributes.get(vxlanAttribute.port);
  const lower = numberOf(attributes.get(vxlanAttribute.lower));
  return {
    vni: numberOf(attributes.get(vxlanAttribute.vni)) ?? 0,
    port: port === undefined || port.length < 2 ? 0 : port.readUInt16BE(),
    local: addressOf(attributes.get(vxlanAttribute.local)),
    lower: lower === null ? null : (names.get(lower) ?? null),
    learning: attributes.get(vxlanAttribute.learning)?.[0] === 1,
    gbp: attributes.has(vxlanAttribute.gbp),
    l2miss: attributes.get(vxlanAttribute.l2miss)?.[0] === 1,
  };
}

interface RawLink {
  readonly body: Buffer;
  readonly index: number;
  readonly name: string;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

const rawLink = ({ body }: Message): RawLink => {
  const attributes = readAttributes(body, 16);
  return {
    body,
    index: body.readInt32LE(4),
    name: textOf(attributes.get(linkAttribute.name)) ?? '',
    attributes,
  };
};

async function listAddresses(index: number): Promise<Map<number, LinkAddress[]>> {
  const addresses = new Map<number, LinkAddress[]>();
  const fixed = familyIn(8, addressFamily.internet);
  fixed.writeUInt32LE(index, 4);
  for (const { body } of await list(messageType.askAddresses, fixed)) {
    const attributes = readAttributes(body, 8);
    const address =
      addressOf(attributes.get(addressAttribute.local)) ??
      addressOf(attributes.get(addressAttribute.address));
    if (address === null) continue;
    const one = { address, length: body.readUInt8(1), scope: scopes.get(body.readUInt8(3)) ?? 'other' };
    const others = addresses.get(body.readUInt32LE(4));
    if (others === undefined) addresses.set(body.readUInt32LE(4), [one]);
    else others.push(one);
  }
  return addresses;
}

function parseLink(
  { body, index, name, attributes }: RawLink,
  names: ReadonlyMap<number, string>,
  addresses: readonly LinkAddress[],
): Link {
  const info = readAttributes(attributes.get(linkAttribute.info) ?? Buffer.alloc(0));
  const kind = textOf(info.get(linkAttribute.kind));
  const mac = attributes.get(linkAttribute.mac);
  return {
    index,
    name,
    up: (body.readUInt32LE(8) & isUp) !== 0,
    mtu: numberOf(attributes.get(linkAttribute.mtu)) ?? 0,
    mac: mac !== undefined && body.readUInt16LE(2) === ethernet ? macText(mac) : null,
    kind,
    vxlan: kind === 'vxlan' ? vxlanOf(info.get(linkAttribute.data), names) : null,
    addresses,
  };
}

/** All links with their IPv4 addresses, or the one of that name (none when it is not there). */
export async function showLinks(name?: string): Promise<Link[]> {
  const links =
    name === undefined
      ? (await list(messageType.askLinks, familyIn(16, 0))).map(rawLink)
      : (await askLinks([name])).flatMap((link) => (link === null ? [] : [link]));
  if (links.length === 0) return [];
  const [only] = name === undefined ? [] : links;
  const addresses = await listAddresses(only?.index ?? 0);
  const names =
    only === undefined
      ? new Map(links.map((link) => [link.index, link.name]))
      : await linkNames(lowerIndexes(only));
  return links.map((link) => parseLink(link, names, addresses.get(link.index) ?? []));
}

/** The link that a vxlan device sends through. */
function lowerIndexes({ attributes }: RawLink): number[] {
  const info = readAttributes(attributes.get(linkAttribute.info) ?? Buffer.alloc(0));
  const data = readAttributes(info.get(linkAttribute.data) ?? Buffer.alloc(0));
  const lower = numberOf(data.get(vxlanAttribute.lower));
  return lower === null ? [] : [lower];
}

/** Links by name or index, so that hosts with thousands of them need no list of all; null where there is none. */
async function askLinks(wishes: readonly (string | number)[]): Promise<(RawLink | null)[]> {
  const requests = wishes.map((wish): Request => {
    const fixed = familyIn(16, 0);
    if (typeof wish === 'number') fixed.writeInt32LE(wish, 4);
    const attributes = typeof wish === 'number' ? [] : [[linkAttribute.name, text(wish)] as const];
    return { type: messageType.askLinks, flags: 0, fixed, attributes };
  });
  return (await routeNetlink()).ask(requests).map((answer) => (answer === null ? null : rawLink(answer)));
}

/** The indexes of links by their names; those that aren't there are left out. */
export async function linkIndexes(names: readonly string[]): Promise<Map<string, number>> {
  const links = await askLinks([...new Set(names)]);
  return new Map(links.flatMap((link) => (link === null ? [] : [[link.name, link.index]])));
}

/** The names of links by their indexes. */
async function linkNames(indexes: readonly number[]): Promise<Map<number, string>> {
  const links = await askLinks([...new Set(indexes)]);
  return new Map(links.flatMap((link) => (link === null ? [] : [[link.index, link.name]])));
}

/** The main table's IPv4 routes in the kernel's order. Multipath routes come without gateway and device. */
export async function showRoutes(): Promise<Route[]> {
  const fixed = familyIn(12, addressFamily.internet);
  fixed[4] = mainTable;
  const routes = (await list(messageType.askRoutes, fixed)).flatMap(({ body }) => {
    const flags = body.readUInt32LE(8);
    if (body[0] !== addressFamily.internet || body[4] !== mainTable || (flags & routeFlag.cloned) !== 0)
      return [];
    const attributes = readAttributes(body, 12);
    return [{ body, flags, attributes, device: numberOf(attributes.get(routeAttribute.device)) }];
  });
  const names = await linkNames(routes.flatMap(({ device }) => (device === null ? [] : [device])));
  return routes.map(({ body, flags, attributes, device }) => ({
    destination: {
      base: addressOf(attributes.get(routeAttribute.destination)) ?? 0,
      length: body.readUInt8(1),
    },
    gateway: addressOf(attributes.get(routeAttribute.gateway)),
    device: device === null ? null : (names.get(device) ?? null),
    onlink: (flags & routeFlag.onlink) !== 0,
    metric: numberOf(attributes.get(routeAttribute.metric)) ?? 0,
    protocol: body.readUInt8(5),
    type: body.readUInt8(7),
  }));
}

/** Entries of the neighbour tables, which the forwarding entries of bridges and tunnels belong to; none of a device that is gone. */
async function listNeighbours(family: number, device: string): Promise<Message[]> {
  const index = (await linkIndexes([device])).get(device);
  if (index === undefined) return [];
  const fixed = familyIn(12, family);
  // A bridge's table is asked by the header, all others by an attribute.
  if (family === addressFamily.bridge) fixed.writeInt32LE(index, 4);
  const attributes =
    family === addressFamily.bridge ? [] : [[neighbourAttribute.device, u32(index)] as const];
  const entries = await list(messageType.askNeighbours, fixed, attributes);
  return entries.filter(({ body }) => body[0] === family && body.readInt32LE(4) === index);
}

const isPermanent = (body: Buffer): boolean => (body.readUInt16LE(8) & permanentState) !== 0;

/** The IPv4 neighbours of a device. */
export async function showNeighbours(device: string): Promise<Neighbour[]> {
  return (await listNeighbours(addressFamily.internet, device)).flatMap(({ body }) => {
    const attributes = readAttributes(body, 12);
    const address = addressOf(attributes.get(neighbourAttribute.destination));
    const mac = attributes.get(neighbourAttribute.mac);
    if (address === null) return [];
    return [{ address, mac: mac === undefined ? null : macText(mac), permanent: isPermanent(body) }];
  });
}

/** The forwarding entries of a vxlan device that lead to an IPv4 host. */
export async function showFdb(device: string): Promise<FdbEntry[]> {
  return (await listNeighbours(addressFamily.bridge, device)).flatMap(({ body }) => {
    const attributes = readAttributes(body, 12);
    const destination = addressOf(attributes.get(neighbourAttribute.destination));
    const mac = attributes.get(neighbourAttribute.mac);
    if (destination === null || mac === undefined) return [];
    return [{ mac: macText(mac), destination, permanent: isPermanent(body) }];
  });
}

/** A way to one address: through which device, with which gateway and source address, if any. */
export interface Path {
  readonly device: string;
  readonly gateway: number | null;
  readonly source: number | null;
}

/** How the kernel would reach addresses; those that it wouldn't are left out. */
export async function showPaths(addresses: readonly number[]): Promise<Map<number, Path>> {
  const targets = [...new Set(addresses)];
  const requests = targets.map((target): Request => {
    const fixed = familyIn(12, addressFamily.internet);
    fixed[1] = 32;
    return {
      type: messageType.askRoutes,
      flags: 0,
      fixed,
      attributes: [[routeAttribute.destination, ipv4Bytes(target)]],
    };
  });
  const answers = (await routeNetlink()).ask(requests).map((answer) => {
    if (answer === null || answer.body[7] !== routeType.unicast) return null;
    const attributes = readAttributes(answer.body, 12);
    const index = numberOf(attributes.get(routeAttribute.device));
    return index === null ? null : { attributes, index };
  });
  const names = await linkNames(answers.flatMap((answer) => (answer === null ? [] : [answer.index])));
  const paths = new Map<number, Path>();
  for (const [place, answer] of answers.entries()) {
    const target = targets[place];
    const device = answer === null ? undefined : names.get(answer.index);
    if (target === undefined || answer === null || device === undefined) continue;
    paths.set(target, {
      device,
      gateway: addressOf(answer.attributes.get(routeAttribute.gateway)),
      source: addressOf(answer.attributes.get(routeAttribute.source)),
    });
  }
  return paths;
}

/** The devices of those addresses that the kernel reaches without a gateway. */
export async function directPaths(addresses: readonly number[]): Promise<Map<number, string>> {
  const direct = new Map<number, string>();
  for (const [address, { device, gateway }] of await showPaths(addresses))
    if (gateway === null) direct.set(address, device);
  return direct;
}

/**
 * Has `ip` make changes of links and addresses, which are few and seldom. Throws with the line and the kernel's words when
 * one is refused; those before it are made.
 */
export async function changeLinks(lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const { code, stderr } = await run('ip', ['-batch', '-'], `${lines.join('\n')}\n`);
  if (code === 0) return;
  const [, number = ''] = /^Command failed .*:(\d+)$/m.exec(stderr) ?? [];
  const reason = stderr
    .replace(/^Command failed .*$/m, '')
    .replace(/^(RTNETLINK answers|Error): /gm, '')
    .replace(/\s+/g, ' ')
    .trim();
  throw new Error(`ip ${lines[Number(number) - 1] ?? ''}: ${reason || 'failed'}`);
}
