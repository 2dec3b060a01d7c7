import { readFile } from 'node:fs/promises';
import { type Cidr, cidrAddress, formatCidr, formatIpv4, parseCidr } from '../contract/ipv4.ts';

/** What our host got, for those who configure bridges. */
export interface Allotment {
  readonly network: Cidr;
  readonly subnet: Cidr;
  readonly mtu: number;
  readonly masquerade: boolean;
}

/** The first usable address of a subnet with the subnet's length: the one that its bridge gets. */
export const bridgeAddress = (subnet: Cidr): string =>
  `${formatIpv4(cidrAddress(subnet, 1))}/${subnet.length}`;

/** The text of `subnet.env`, byte for byte as flannel writes it (pkg/subnet/subnet.go, WriteSubnetFile). */
export const formatSubnetFile = ({ network, subnet, mtu, masquerade }: Allotment): string =>
  [
    `FLANNEL_NETWORK=${formatCidr(network)}`,
    `FLANNEL_SUBNET=${bridgeAddress(subnet)}`,
    `FLANNEL_MTU=${mtu}`,
    `FLANNEL_IPMASQ=${masquerade}`,
    '',
  ].join('\n');

/**
 * The subnet that a `subnet.env` names; null when it names none. Quotes and `export` are what shells may have put
 * there.
 */
export function parseSubnetFile(text: string): Cidr | null {
  let subnet: Cidr | null = null;
  for (const line of text.split('\n')) {
    const [, value] = /^\s*(?:export\s+)?FLANNEL_SUBNET\s*=\s*["']?([0-9./]+)["']?\s*$/.exec(line) ?? [];
    // As in a shell, the last one counts.
    if (value !== undefined) subnet = parseCidr(value);
  }
  return subnet;
}

/** The subnet of an earlier run; null when there is no such file, or none that can be used. */
export async function readSubnetFile(path: string): Promise<Cidr | null> {
  return parseSubnetFile(await readFile(path, 'utf8').catch(() => ''));
}
