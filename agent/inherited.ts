import { formatIpv4 } from '../contract/ipv4.ts';
import type { System } from './kernel/native.ts';
import type { Notifier } from './notify.ts';

/** A descriptor that the process before us left with the service manager, and the name that it gave it. */
export interface Inherited {
  readonly name: string;
  readonly descriptor: number;
}

/** What carries the udp backend's packets, and outlives a process as long as the service manager has a copy. */
export interface RunningDatapath {
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
const duplicate = 1030; // F_DUPFD_CLOEXEC

/** What of an earlier datapath can be carried on with: another address needs another socket, but the same device. */
export interface Remains {
  readonly tun: number | null;
  readonly socket: number | null;
}

/**
 * Takes the TUN device and the socket that is bound to this address and port; nothing when `where` is null. What is not
 * taken is closed, here and by the service manager: a device would stay otherwise, and a port be taken.
 */
export function takeDatapath(
  inherited: readonly Inherited[],
  where: { readonly address: number; readonly port: number } | null,
  system: Pick<System, 'fcntl' | 'close'>,
  notifier: Notifier,
): Remains {
  const remains: { tun: number | null; socket: number | null } = { tun: null, socket: null };
  for (const { name, descriptor } of inherited) {
    if (where !== null && remains.tun === null && name.startsWith(tunPrefix)) remains.tun = descriptor;
    else if (where !== null && remains.socket === null && name === socketName(where.address, where.port))
      remains.socket = descriptor;
    else {
      system.close(descriptor);
      notifier.release(name);
      continue;
    }
    // It may have come through an exec, and must not come to our own children.
    system.fcntl(descriptor, setFlags, closeOnExec);
  }
  return remains;
}

/** Leaves a running datapath's descriptors with the service manager for the process after us, in the place of others. */
export function leaveDatapath(
  notifier: Notifier,
  datapath: RunningDatapath,
  address: number,
  port: number,
): void {
  const names = [`${tunPrefix}${datapath.deviceName}`, socketName(address, port)] as const;
  for (const name of names) notifier.release(name);
  notifier.keep(names[0], datapath.tun);
  notifier.keep(names[1], datapath.socket);
}

/** Copies a running datapath's descriptors, as if they came from an earlier process. */
export function copyDatapath(
  system: Pick<System, 'fcntl'>,
  datapath: RunningDatapath,
  address: number,
  port: number,
): Inherited[] {
  const copy = (descriptor: number) => system.fcntl(descriptor, duplicate, 0);
  return [
    { name: `${tunPrefix}${datapath.deviceName}`, descriptor: copy(datapath.tun) },
    { name: socketName(address, port), descriptor: copy(datapath.socket) },
  ].filter(({ descriptor }) => descriptor >= 0);
}
