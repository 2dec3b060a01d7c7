import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import {
  hostNamespace,
  labRuntime,
  labStorage,
  machineLink,
  runtimeRoot,
  storageRoot,
  switchNamespace,
} from '../paths.ts';
import { command, ipBatch } from './command.ts';
import { makeNamespace, removeNamespace } from './namespace.ts';

const bridge = 'underlay';
const machinePort = 'machine';

/** The bridge's port towards a host: its name where that fits an interface name, else a digest of it. */
export function hostPort(host: string): string {
  return host.length <= 13
    ? `h-${host}`
    : `h-${createHash('sha256').update(host).digest('hex').slice(0, 12)}`;
}

/** The same after every boot, so that no neighbour keeps an address of an earlier life. Locally administered, unicast (RFC 7042). */
function hostMac(lab: string, host: string): string {
  const digest = createHash('sha256').update(`${lab}/${host}`).digest('hex').slice(0, 10);
  return `02:${digest.match(/../g)?.join(':')}`;
}

/** systemd-nspawn makes them at its first start and leaves them; they are only removed when they are empty. */
const nspawnFolders = ['locks', 'propagate', ''].map((name) => `/run/systemd/nspawn/${name}`);

/**
 * The underlay: a bridge in a network namespace of its own, so that this machine's firewall (br_netfilter, Docker's
 * FORWARD policy) never sees what the hosts send each other.
 */
export async function raiseUnderlay(request: {
  lab: string;
  gateway: string;
  prefixLength: number;
  mtu: number;
}): Promise<boolean> {
  const { lab, gateway, prefixLength, mtu } = request;
  const namespace = switchNamespace(lab);
  const complete = existsSync(namespace) && existsSync(`/sys/class/net/${machineLink(lab)}`);
  if (!complete) {
    if (existsSync(`/sys/class/net/${machineLink(lab)}`))
      await command('ip', ['link', 'del', machineLink(lab)]);
    await removeNamespace(namespace);
    await makeNamespace(namespace);
    await ipBatch(namespace, [
      `link add ${bridge} mtu ${mtu} type bridge`,
      `link set ${bridge} up`,
      `link add ${machinePort} mtu ${mtu} type veth peer name ${machineLink(lab)} mtu ${mtu} netns ${process.pid}`,
    ]);
  }
  await Promise.all([
    ipBatch(namespace, [`link set ${machinePort} master ${bridge} up`]),
    ipBatch(null, [
      `addr replace ${gateway}/${prefixLength} dev ${machineLink(lab)}`,
      `link set ${machineLink(lab)} up`,
    ]),
  ]);
  return !complete;
}

/** Joins a host's own namespace to the bridge. */
export async function joinUnderlay(request: {
  lab: string;
  host: string;
  address: string;
  gateway: string;
  prefixLength: number;
  mtu: number;
}): Promise<void> {
  const { lab, host, address, gateway, prefixLength, mtu } = request;
  const namespace = hostNamespace(lab, host);
  if (!(await makeNamespace(namespace))) return;
  const port = hostPort(host);
  await ipBatch(switchNamespace(lab), [
    `link add ${port} mtu ${mtu} type veth peer name eth0 mtu ${mtu} address ${hostMac(lab, host)} netns ${namespace}`,
    `link set ${port} master ${bridge} up`,
  ]);
  await ipBatch(namespace, [
    `addr add ${address}/${prefixLength} dev eth0`,
    'link set eth0 up',
    `route add default via ${gateway}`,
  ]);
}

export async function leaveUnderlay(lab: string, host: string): Promise<void> {
  if (existsSync(switchNamespace(lab))) {
    // The port is gone already when the host's namespace was the last to hold it.
    await ipBatch(switchNamespace(lab), [`link del ${hostPort(host)}`]).catch(() => {});
  }
  await removeNamespace(hostNamespace(lab, host));
}

export async function lowerUnderlay(lab: string): Promise<void> {
  if (existsSync(`/sys/class/net/${machineLink(lab)}`))
    await command('ip', ['link', 'del', machineLink(lab)]);
  await removeNamespace(switchNamespace(lab));
  await rm(labRuntime(lab), { recursive: true, force: true });
  await rm(labStorage(lab), { recursive: true, force: true });
  // Shared parents go with the last lab.
  for (const parent of [runtimeRoot, storageRoot, '/var/lib/flatland', ...nspawnFolders])
    await rmdir(parent).catch(() => {});
}
