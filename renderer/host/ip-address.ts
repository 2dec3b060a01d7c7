import type { NetworkLink } from '../../contract/live.ts';

/** An interface as `ip addr` prints it, without what nobody told us (index, queueing, scope). */
export function ipAddressText(link: NetworkLink): string {
  const family = (address: string) => (address.includes(':') ? 'inet6' : 'inet');
  return [
    `${link.name}: <${link.flags.join(',')}> mtu ${link.mtu} state ${link.operationalState}`,
    link.hardwareAddress === null ? '    link/none' : `    link/ether ${link.hardwareAddress}`,
    ...link.addresses.map((address) => `    ${family(address)} ${address}`),
  ].join('\n');
}
