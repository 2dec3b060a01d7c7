import { readFileSync, writeFileSync } from 'node:fs';

/** Sets one of the kernel's switches below /proc/sys; 1 when it was different, 0 when it was so already or isn't there. */
function ensure(path: string, value: string): number {
  const file = `/proc/sys/${path}`;
  try {
    // These files are the kernel's memory: nothing waits, and the thread pool would cost many times the reading.
    if (readFileSync(file, 'utf8').trim() === value) return 0;
    writeFileSync(file, value);
    return 1;
  } catch (error) {
    // Without IPv6, or for a device that has just gone, the switch doesn't exist.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
    throw new Error(`cannot set ${path} to ${value}: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Lets the kernel route, altogether and on each of the overlay's devices (Documentation/networking/ip-sysctl.rst).
 * Resolves to how many switches were off. The order matters: writing `ip_forward` sets all devices.
 */
export async function ensureForwarding(devices: readonly string[]): Promise<number> {
  let repairs = ensure('net/ipv4/ip_forward', '1');
  for (const device of devices) repairs += ensure(`net/ipv4/conf/${device}/forwarding`, '1');
  return repairs;
}

/** Keeps router advertisements that come through the overlay from changing this host (flannel's vxlan device.go). */
export const refuseRouterAdvertisements = async (device: string): Promise<number> =>
  ensure(`net/ipv6/conf/${device}/accept_ra`, '0');
