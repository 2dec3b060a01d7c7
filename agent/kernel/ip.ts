import { z } from 'zod';
import { type Cidr, parseIpv4 } from '../../contract/ipv4.ts';
import { run } from './command.ts';
import {
  addressOf,
  type Message,
  macText,
  numberOf,
  type Request,
  readAttributes,
  textOf,
  u32,
} from './netlink/message.ts';
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

/* rtnetlink(7), linux/if_link.h, linux/if_addr.h, linux/neighbour.h */
const ask = { link: 18, address: 22, route: 26, neighbour: 30 } as const;
const internet = 2;
const bridge = 7;
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
const routeAttribute = { destination: 1, device: 4, gateway: 5, metric: 6 } as const;
const neighbourAttribute = { destination: 1, mac: 2, device: 8 } as const;
const scopes = new Map([
  [0, 'global'],
  [200, 'site'],
  [253, 'link'],
  [254, 'host'],
]);
const mainTable = 254;
const onlinkFlag = 4;
const clonedFlag = 0x200;
const permanentState = 0x80;

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

/** All links with their IPv4 addresses, or the one of that name (none when it is not there). */
export async function showLinks(name?: string): Promise<Link[]> {
  const links = (await list(ask.link, familyIn(16, 0))).map(({ body }) => ({
    body,
    index: body.readInt32LE(4),
    attributes: readAttributes(body, 16),
  }));
  const addresses = new Map<number, LinkAddress[]>();
  for (const { body } of await list(ask.address, familyIn(8, internet))) {
    const attributes = readAttributes(body, 8);
    const address =
      addressOf(attributes.get(addressAttribute.local)) ??
      addressOf(attributes.get(addressAttribute.address));
    const index = body.readUInt32LE(4);
    if (address === null) continue;
    const one = { address, length: body.readUInt8(1), scope: scopes.get(body.readUInt8(3)) ?? 'other' };
    const others = addresses.get(index);
    if (others === undefined) addresses.set(index, [one]);
    else others.push(one);
  }
  const nameOf = (attributes: ReadonlyMap<number, Buffer>) =>
    textOf(attributes.get(linkAttribute.name)) ?? '';
  const names = new Map(links.map(({ index, attributes }) => [index, nameOf(attributes)]));
  return links.flatMap(({ body, index, attributes }): Link[] => {
    const own = nameOf(attributes);
    if (name !== undefined && own !== name) return [];
    const info = readAttributes(attributes.get(linkAttribute.info) ?? Buffer.alloc(0));
    const kind = textOf(info.get(linkAttribute.kind));
    const mac = attributes.get(linkAttribute.mac);
    return [
      {
        index,
        name: own,
        up: (body.readUInt32LE(8) & isUp) !== 0,
        mtu: numberOf(attributes.get(linkAttribute.mtu)) ?? 0,
        mac: mac !== undefined && body.readUInt16LE(2) === ethernet ? macText(mac) : null,
        kind,
        vxlan: kind === 'vxlan' ? vxlanOf(info.get(linkAttribute.data), names) : null,
        addresses: addresses.get(index) ?? [],
      },
    ];
  });
}

/** The indexes of all links by their names, and the other way round. */
export async function linkIndexes() {
  const byName = new Map<string, number>();
  const byIndex = new Map<number, string>();
  for (const { body } of await list(ask.link, familyIn(16, 0))) {
    const name = textOf(readAttributes(body, 16).get(linkAttribute.name));
    if (name === null) continue;
    byName.set(name, body.readInt32LE(4));
    byIndex.set(body.readInt32LE(4), name);
  }
  return { byName, byIndex };
}

/** The main table's IPv4 routes in the kernel's order. Multipath routes come without gateway and device. */
export async function showRoutes(): Promise<Route[]> {
  const { byIndex } = await linkIndexes();
  const fixed = familyIn(12, internet);
  fixed[4] = mainTable;
  return (await list(ask.route, fixed)).flatMap(({ body }): Route[] => {
    const flags = body.readUInt32LE(8);
    if (body[0] !== internet || body[4] !== mainTable || (flags & clonedFlag) !== 0) return [];
    const attributes = readAttributes(body, 12);
    const device = numberOf(attributes.get(routeAttribute.device));
    return [
      {
        destination: {
          base: addressOf(attributes.get(routeAttribute.destination)) ?? 0,
          length: body.readUInt8(1),
        },
        gateway: addressOf(attributes.get(routeAttribute.gateway)),
        device: device === null ? null : (byIndex.get(device) ?? null),
        onlink: (flags & onlinkFlag) !== 0,
        metric: numberOf(attributes.get(routeAttribute.metric)) ?? 0,
        protocol: body.readUInt8(5),
        type: body.readUInt8(7),
      },
    ];
  });
}

/** Entries of the neighbour tables, which the forwarding entries of bridges and tunnels belong to; none of a device that is gone. */
async function listNeighbours(family: number, device: string): Promise<Message[]> {
  const index = (await linkIndexes()).byName.get(device);
  if (index === undefined) return [];
  const fixed = familyIn(12, family);
  // A bridge's table is asked by the header, all others by an attribute.
  if (family === bridge) fixed.writeInt32LE(index, 4);
  const attributes = family === bridge ? [] : [[neighbourAttribute.device, u32(index)] as const];
  const entries = await list(ask.neighbour, fixed, attributes);
  return entries.filter(({ body }) => body[0] === family && body.readInt32LE(4) === index);
}

const isPermanent = (body: Buffer): boolean => (body.readUInt16LE(8) & permanentState) !== 0;

/** The IPv4 neighbours of a device. */
export async function showNeighbours(device: string): Promise<Neighbour[]> {
  return (await listNeighbours(internet, device)).flatMap(({ body }) => {
    const attributes = readAttributes(body, 12);
    const address = addressOf(attributes.get(neighbourAttribute.destination));
    const mac = attributes.get(neighbourAttribute.mac);
    if (address === null) return [];
    return [{ address, mac: mac === undefined ? null : macText(mac), permanent: isPermanent(body) }];
  });
}

/** The forwarding entries of a vxlan device that lead to an IPv4 host. */
export async function showFdb(device: string): Promise<FdbEntry[]> {
  return (await listNeighbours(bridge, device)).flatMap(({ body }) => {
    const attributes = readAttributes(body, 12);
    const destination = addressOf(attributes.get(neighbourAttribute.destination));
    const mac = attributes.get(neighbourAttribute.mac);
    if (destination === null || mac === undefined) return [];
    return [{ mac: macText(mac), destination, permanent: isPermanent(body) }];
  });
}

const pathJson = z.tuple([
  z.object({
    dst: z.string().transform((text, context) => {
      const parsed = parseIpv4(text);
      if (parsed !== null) return parsed;
      context.addIssue('not an IPv4 address');
      return z.NEVER;
    }),
    gateway: z.unknown().optional(),
    dev: z.string(),
  }),
]);

/** How the kernel would reach some addresses: the device when there is no gateway in between, else null. */
export async function directPaths(addresses: readonly string[]): Promise<Map<number, string>> {
  const paths = new Map<number, string>();
  if (addresses.length === 0) return paths;
  const lines = addresses.map((each) => `route get ${each}\n`).join('');
  // An address without a route fails alone; each line's answer is a JSON array on a line of its own.
  const { stdout } = await run('ip', ['-json', '-force', '-batch', '-'], lines);
  for (const line of stdout.split('\n')) {
    if (line.trim() === '') continue;
    const json: unknown = JSON.parse(line);
    const parsed = pathJson.safeParse(json);
    if (!parsed.success) continue;
    const [{ dst, gateway, dev }] = parsed.data;
    if (gateway === undefined) paths.set(dst, dev);
  }
  return paths;
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
