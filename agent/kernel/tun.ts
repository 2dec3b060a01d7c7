import { type System, systemError } from './native.ts';

/** A TUN device; it lives as long as its descriptor is open. */
export interface Tun {
  readonly descriptor: number;
  readonly name: string;
}

/* asm-generic/fcntl.h */
const readWrite = 0o2;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;

/* linux/if_tun.h and linux/if.h: struct ifreq is a name of 16 bytes, then the flags. */
const setInterface = 0x400454ca;
const tunWithoutHeader = 0x0001 | 0x1000;
const nameLength = 16;
const requestLength = 40;

/** Opens a TUN device (IFF_TUN, IFF_NO_PI) named after a pattern in which `%d` becomes the first free number. */
export function openTun(system: System, pattern: string): Tun {
  const descriptor = system.open('/dev/net/tun', readWrite | nonBlocking | closeOnExec);
  if (descriptor < 0) throw systemError('cannot open /dev/net/tun', system);
  const request = Buffer.alloc(requestLength);
  request.write(pattern, 'latin1');
  request.writeUInt16LE(tunWithoutHeader, nameLength);
  if (system.ioctl(descriptor, setInterface, request) < 0) {
    const error = systemError(`cannot create the TUN device ${pattern}`, system);
    system.close(descriptor);
    throw error;
  }
  const name = request.toString('latin1', 0, nameLength).replace(/\0.*$/s, '');
  return { descriptor, name };
}
