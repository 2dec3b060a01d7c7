import { formatIpv4, parseIpv4 } from '../../contract/ipv4.ts';
import type { ExternalInterface } from '../backend/backend.ts';
import { type Link, showLinks, showPaths, showRoutes } from './ip.ts';

/** flannel's four flags that choose the interface. */
export interface InterfaceWish {
  readonly iface: readonly string[];
  readonly ifaceRegex: readonly string[];
  readonly ifaceCanReach: string | null;
  readonly publicIp: string | null;
}

/** An interface and the address of it that was found, or null when any will do. */
interface Match {
  readonly link: Link;
  readonly address: number | null;
}

const withAddress = (links: readonly Link[], address: number): Match | null => {
  const link = links.find((each) => each.addresses.some((one) => one.address === address));
  return link === undefined ? null : { link, address };
};

/** An interface by an address or by its name (flannel's pkg/ipmatch/match.go, LookupExtIface). */
export function matchIface(links: readonly Link[], wish: string): Match | null {
  const address = parseIpv4(wish);
  if (address !== null) return withAddress(links, address);
  const link = links.find(({ name }) => name === wish);
  return link === undefined ? null : { link, address: null };
}

/** An interface by a pattern: first one that fits any address, then one that fits a name (the same function). */
export function matchRegex(links: readonly Link[], pattern: string): Match | null {
  let regex: RegExp;
  try {
    regex = new RegExp(pattern);
  } catch {
    throw new Error(`iface-regex ${JSON.stringify(pattern)} is not a regular expression`);
  }
  for (const link of links) {
    const fitting = link.addresses.find(({ address }) => regex.test(formatIpv4(address)));
    if (fitting !== undefined) return { link, address: fitting.address };
  }
  const link = links.find(({ name }) => regex.test(name));
  return link === undefined ? null : { link, address: null };
}

/** The interface and source address with which the kernel would reach an address. */
async function matchReachable(links: readonly Link[], target: string): Promise<Match | null> {
  const address = parseIpv4(target);
  if (address === null) throw new Error(`iface-can-reach ${target} is not an IPv4 address`);
  const path = (await showPaths([address])).get(address);
  const link = links.find(({ name }) => name === path?.device);
  return link === undefined ? null : { link, address: path?.source ?? null };
}

/** The interface of the default route with the lowest metric: the kernel lists that one first. */
async function matchDefaultRoute(links: readonly Link[]): Promise<Match | null> {
  for (const { destination, device } of await showRoutes()) {
    if (destination.length !== 0) continue;
    const link = links.find(({ name }) => name === device);
    if (link !== undefined) return { link, address: null };
  }
  return null;
}

const hasWish = ({ iface, ifaceRegex, ifaceCanReach }: InterfaceWish): boolean =>
  iface.length > 0 || ifaceRegex.length > 0 || ifaceCanReach !== null;

async function match(links: readonly Link[], wish: InterfaceWish): Promise<Match> {
  for (const each of wish.iface) {
    const found = matchIface(links, each);
    if (found !== null) return found;
  }
  for (const each of wish.ifaceRegex) {
    const found = matchRegex(links, each);
    if (found !== null) return found;
  }
  if (wish.ifaceCanReach !== null) {
    const found = await matchReachable(links, wish.ifaceCanReach);
    if (found !== null) return found;
  }
  const names = links.map(({ name }) => name).join(', ');
  // As with flannel, a wish that nothing fits is an error: another interface than the wished one would be a surprise.
  if (hasWish(wish)) {
    const wishes = [...wish.iface, ...wish.ifaceRegex, wish.ifaceCanReach].filter((each) => each !== null);
    throw new Error(`no interface fits ${wishes.join(', ')}; there are ${names}`);
  }
  const publicIp = wish.publicIp === null ? null : parseIpv4(wish.publicIp);
  const owner = publicIp === null ? null : withAddress(links, publicIp);
  // flannel gives up when nobody owns the public address; behind NAT that is the usual case, and the default route is right.
  const found = owner ?? (await matchDefaultRoute(links));
  if (found !== null) return found;
  throw new Error(`no default route, so name the interface to use (iface); there are ${names}`);
}

/**
 * Chooses the interface that carries the outer packets in flannel's order: `iface` (names or addresses), `iface-regex`,
 * `iface-can-reach`, the interface that owns `public-ip`, the default route. `publicIp` is what others send to.
 */
export async function chooseInterface(wish: InterfaceWish): Promise<ExternalInterface> {
  const publicIp = wish.publicIp === null ? null : parseIpv4(wish.publicIp);
  if (wish.publicIp !== null && publicIp === null)
    throw new Error(`public-ip ${wish.publicIp} is not an IPv4 address`);
  const { link, address: matched } = await match(await showLinks(), wish);
  // flannel takes a link-local address only when there is no other (pkg/ip/iface.go, GetInterfaceIP4Addrs).
  const usual = link.addresses.find(({ scope }) => scope === 'global') ?? link.addresses[0];
  const address = matched ?? usual?.address;
  if (address === undefined) throw new Error(`interface ${link.name} has no IPv4 address`);
  return { name: link.name, index: link.index, mtu: link.mtu, address, publicIp: publicIp ?? address };
}
