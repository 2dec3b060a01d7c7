import type { Cidr } from '../../../contract/ipv4.ts';

/** flannel's longest subnet prefix (pkg/subnet/config.go). */
export const longestSubnet = 30;

/** flannel's shortest subnet prefix in an overlay: two bits more than the overlay's own (pkg/subnet/config.go). */
export const shortestSubnet = (overlay: Cidr): number => overlay.length + 2;

/** Hosts that an overlay has subnets for: flannel's default SubnetMin leaves out the first one. */
export const hostsInOverlay = (overlay: Cidr, subnetLength: number): number =>
  2 ** (subnetLength - overlay.length) - 1;

/** Pods that one host's subnet has addresses for, without the network's, docker0's and the broadcast address. */
export const podsInSubnet = (subnetLength: number): number => Math.max(0, 2 ** (32 - subnetLength) - 3);

/** Hosts that an underlay has addresses for, without the network's, the gateway's and the broadcast address. */
export const hostsInUnderlay = (underlay: Cidr): number => Math.max(0, 2 ** (32 - underlay.length) - 3);

/** Whether a lab of this size fits an overlay by flannel's rules. */
export function overlayFits(overlay: Cidr, subnetLength: number, hosts: number): boolean {
  return (
    subnetLength >= shortestSubnet(overlay) &&
    subnetLength <= longestSubnet &&
    hostsInOverlay(overlay, subnetLength) >= hosts
  );
}
