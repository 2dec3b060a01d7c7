import { formatIpv4 } from '../../../contract/ipv4.ts';
import { type System, systemError } from '../../kernel/native.ts';

/* ip(7), socket(7), asm-generic/socket.h, bits/socket_type.h */
const internet = 2;
const datagram = 2;
const raw = 3;
const rawProtocol = 255;
const nonBlocking = 0o4000;
const closeOnExec = 0o2000000;
const socketLevel = 1;
const forceSendBuffer = 32;
const forceReceiveBuffer = 33;

/** Room for a burst of packets; the usual 208 KiB hold some 90 of them. What comes in is the windows of many flows. */
const sendBuffer = 4 * 1024 * 1024;
const receiveBuffer = 16 * 1024 * 1024;

/** A struct sockaddr_in. */
export function socketAddress(address: number, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, internet, true);
  view.setUint16(2, port);
  view.setUint32(4, address);
  return bytes;
}

/** A datagram socket bound to an address and port, which are also what its packets come from. */
export function openSocket(system: System, address: number, port: number): number {
  const descriptor = system.socket(internet, datagram | nonBlocking | closeOnExec, 0);
  if (descriptor < 0) throw systemError('cannot open a datagram socket', system);
  // Beyond the system's limit, for we may (CAP_NET_ADMIN); where not, the usual size has to do.
  const size = new Uint8Array(4);
  for (const [name, value] of [
    [forceReceiveBuffer, receiveBuffer],
    [forceSendBuffer, sendBuffer],
  ] as const) {
    new DataView(size.buffer).setInt32(0, value, true);
    system.setsockopt(descriptor, socketLevel, name, size, size.length);
  }
  const bound = socketAddress(address, port);
  if (system.bind(descriptor, bound, bound.length) < 0) {
    const error = systemError(`cannot bind UDP ${formatIpv4(address)}:${port}`, system);
    system.close(descriptor);
    throw error;
  }
  return descriptor;
}

/* udp(7): also the numbers of the control messages. */
export const udpLevel = 17;
export const udpSegment = 103;
export const udpGro = 104;

/** Lets many datagrams of one size arrive in one call, where the kernel can (5.0 and later), or not. */
export function receiveMany(system: System, descriptor: number, wished: boolean): void {
  const value = new Uint8Array(4);
  value[0] = wished ? 1 : 0;
  system.setsockopt(descriptor, udpLevel, udpGro, value, value.length);
}

/** A raw socket that takes packets with their IPv4 header (raw(7), IPPROTO_RAW). */
export function openRawSocket(system: System): number {
  const descriptor = system.socket(internet, raw | nonBlocking | closeOnExec, rawProtocol);
  if (descriptor < 0) throw systemError('cannot open a raw socket', system);
  return descriptor;
}
