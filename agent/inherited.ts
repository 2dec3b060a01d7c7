import { formatIpv4 } from '../contract/ipv4.ts';
import type { System } from './kernel/native.ts';
import type { Notifier } from './notify.ts';

/** A descriptor that the process before us left with the service manager, and the name that it gave it. */
export interface Inherited {
  readonly name: string;
  readonly descriptor: number;
}

/** What carries the udp backend's packets, and outlives a process as long as the service manager has a copy. */
export interface InheritedDatapath {
  readonly tun: number;
  readonly socket: number;
  readonly deviceName: string;
}

/** The first descriptor that a service manager passes (sd_listen_fds(3), SD_LISTEN_FDS_START). */
const first = 3;
/** More than that were never ours. */
const most = 64;

/**
 * Reads which descriptors we inherit (sd_listen_fds_with_names(3)). The variables are taken away, for they are not meant
 * for our own children.
 */
export function readInherited(environment: NodeJS.ProcessEnv, pid: number): Inherited[] {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES } = environment;
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'])
    delete environment[name];
  const count = Number(LISTEN_FDS ?? 0);
  if (Number(LISTEN_PID) !== pid || !Number.isInteger(count) || count < 1 || count > most) return [];
  const names = (LISTEN_FDNAMES ?? '').split(':');
  return Array.from({ length: count }, (_, index) => ({
    name: names[index] ?? '',
    descriptor: first + index,
  }));
}

const tunPrefix = 'tun/';
const socketName = (address: number, port: number) => `udp/${formatIpv4(address)}/${port}`;

const setFlags = 2; // fcntl(2), F_SETFD
const closeOnExec = 1; // FD_CLOEXEC

/**
 * Takes the pair of a TUN device and of the socket that is bound to this address and port; null when it isn't complete, or
 * when `where` is null. What is not taken is closed, here and by the service manager: a device would stay otherwise.
 */
export function takeDatapath(
  inherited: readonly Inherited[],
  where: { readonly address: number; readonly port: number } | null,
  system: Pick<System, 'fcntl' | 'close'>,
  notifier: Notifier,
): InheritedDatapath | null {
  const found = where === null ? null : findDatapath(inherited, where.address, where.port);
  for (const { name, descriptor } of inherited) {
    if (descriptor === found?.tun || descriptor === found?.socket) {
      // It came to us through an exec, and must not come to our own children.
      system.fcntl(descriptor, setFlags, closeOnExec);
      continue;
    }
    system.close(descriptor);
    if (found === null) notifier.release(name);
  }
  return found;
}

function findDatapath(
  inherited: readonly Inherited[],
  address: number,
  port: number,
): InheritedDatapath | null {
  const tun = inherited.find(({ name }) => name.startsWith(tunPrefix));
  const socket = inherited.find(({ name }) => name === socketName(address, port));
  if (tun === undefined || socket === undefined) return null;
  return {
    tun: tun.descriptor,
    socket: socket.descriptor,
    deviceName: tun.name.slice(tunPrefix.length),
  };
}

/** Leaves a running datapath's descriptors with the service manager for the process after us, in the place of others. */
export function leaveDatapath(
  notifier: Notifier,
  datapath: InheritedDatapath,
  address: number,
  port: number,
): void {
  withdrawDatapath(notifier, datapath.deviceName, address, port);
  notifier.keep(`${tunPrefix}${datapath.deviceName}`, datapath.tun);
  notifier.keep(socketName(address, port), datapath.socket);
}

/** Has the service manager forget them. */
export function withdrawDatapath(
  notifier: Notifier,
  deviceName: string,
  address: number,
  port: number,
): void {
  notifier.release(`${tunPrefix}${deviceName}`);
  notifier.release(socketName(address, port));
}
