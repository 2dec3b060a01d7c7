import { type System, systemError } from './native.ts';

/** A TUN device; it lives as long as its descriptor is open. */
export interface Tun {
  readonly descriptor: number;
  readonly name: string;
  /** Whether the kernel hands over and takes many segments of TCP as one packet. */
  readonly segments: boolean;
  /** Whether it does so with datagrams of UDP as well (6.2 and later). */
  readonly datagrams: boolean;
}

/* asm-generic/fcntl.h */
const readWrite = 0o2;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;

/* linux/if_tun.h and linux/if.h: struct ifreq is a name of 16 bytes, then the flags. */
const setInterface = 0x400454ca;
const tunFlags = 0x0001 | 0x1000 | 0x4000;
const setOffload = 0x400454d0;
const checksumAndTcp4 = 0x01 | 0x02;
/** Only both of them together: for UDP over IPv4 and over IPv6. */
const udpDatagrams = 0x20 | 0x40;
const nameLength = 16;
const requestLength = 40;

const getInterface = 0x800454d2;

const nameIn = (request: Buffer): string => request.toString('latin1', 0, nameLength).replace(/\0.*$/s, '');

/** What the kernel agrees to; an earlier process may have wished otherwise. */
function setOffloads(
  system: System,
  descriptor: number,
  wished: boolean,
): Pick<Tun, 'segments' | 'datagrams'> {
  const agreed = (offloads: number): boolean => system.ioctlValue(descriptor, setOffload, offloads) === 0;
  const datagrams = wished && agreed(checksumAndTcp4 | udpDatagrams);
  const segments = datagrams || (wished && agreed(checksumAndTcp4));
  if (!segments) agreed(0);
  return { segments, datagrams };
}

/** Takes over a TUN device that an earlier process has opened here; throws when the device is no more, or another kind. */
export function adoptTun(system: System, descriptor: number, offloads: boolean): Tun {
  const request = Buffer.alloc(requestLength);
  if (system.ioctl(descriptor, getInterface, request) < 0)
    throw systemError('cannot take over a TUN device', system);
  if ((request.readUInt16LE(nameLength) & tunFlags) !== tunFlags)
    throw new Error('the inherited device is not a TUN device of ours');
  return { descriptor, name: nameIn(request), ...setOffloads(system, descriptor, offloads) };
}

/**
 * Opens a TUN device named after a pattern in which `%d` becomes the first free number. Packets have no header of the
 * device's own (IFF_NO_PI), but one that tells about checksums and segments (IFF_VNET_HDR; Documentation/networking/tuntap.rst).
 */
export function openTun(system: System, pattern: string, offloads: boolean): Tun {
  const descriptor = system.open('/dev/net/tun', readWrite | nonBlocking | closeOnExec);
  if (descriptor < 0) throw systemError('cannot open /dev/net/tun', system);
  const request = Buffer.alloc(requestLength);
  request.write(pattern, 'latin1');
  request.writeUInt16LE(tunFlags, nameLength);
  if (system.ioctl(descriptor, setInterface, request) < 0) {
    const error = systemError(`cannot create the TUN device ${pattern}`, system);
    system.close(descriptor);
    throw error;
  }
  const name = nameIn(request);
  return { descriptor, name, ...setOffloads(system, descriptor, offloads) };
}
