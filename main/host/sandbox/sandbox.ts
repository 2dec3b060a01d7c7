import { existsSync } from 'node:fs';
import { access, constants, readFile, statfs } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Host, Lab } from '../../../contract/lab.ts';
import { type Failure, failure } from '../../failure.ts';
import { connect } from '../connect.ts';
import type { Connection } from '../connection.ts';
import { nodeProgram } from './node.ts';
import { consoleLog } from './paths.ts';
import type { RootSession } from './session.ts';

/** Node as every sandbox host finds it, wherever this machine keeps its own. */
export const sandboxNode = '/opt/flatland/node';

/** A program that a sandbox host is made of, and the Debian package that has it. */
const programs: readonly (readonly [string, string])[] = [
  ['systemd-nspawn', 'systemd-container'],
  ['dockerd', 'docker.io'],
  ['containerd', 'containerd'],
  ['etcd', 'etcd-server'],
  ['sshd', 'openssh-server'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
  ['ping', 'iputils-ping'],
  ['nsenter', 'util-linux'],
];

const searchPath = [
  ...(process.env['PATH'] ?? '').split(delimiter),
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
];

async function onPath(program: string): Promise<boolean> {
  for (const directory of searchPath) {
    const found = await access(join(directory, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Rejects with the first reason why this machine cannot run sandbox hosts. Touches nothing. */
export async function checkMachine(hosts: number): Promise<void> {
  if (process.platform !== 'linux') {
    throw failure('platform-unsupported', `Sandbox hosts need Linux; this is ${process.platform}.`);
  }
  const present = await Promise.all(programs.map(([program]) => onPath(program)));
  const missing = programs.filter((_, index) => present[index] === false);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
    throw failure(
      'package-missing',
      `This machine lacks ${missing.map(([program]) => program).join(', ')}: Debian packages ${packages}.`,
      { fix: `apt-get install --no-install-recommends ${packages}` },
    );
  }
  const storage = existsSync('/var/lib') ? await statfs('/var/lib') : null;
  const free = storage === null ? 0 : (storage.bavail * storage.bsize) / 1_048_576;
  const needed = 64 + 64 * hosts;
  if (free < needed) {
    throw failure(
      'disk-full',
      `/var/lib has ${Math.floor(free)} MiB free; ${hosts} hosts need about ${needed} MiB.`,
    );
  }
}

const prefixLength = (cidr: string) => Number(cidr.split('/')[1]);

export async function raiseUnderlay(root: RootSession, lab: Lab): Promise<boolean> {
  const performed = await root.perform({
    verb: 'raise-underlay',
    lab: lab.id,
    gateway: lab.underlay.gateway,
    prefixLength: prefixLength(lab.underlay.cidr),
    mtu: lab.underlay.mtu,
  });
  return performed.changed;
}

/** The last lines of a host's console. */
async function consoleTail(lab: string, host: string, lines: number): Promise<string[]> {
  const text = await readFile(consoleLog(lab, host), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines);
}

export interface HostKeys {
  readonly client: { readonly privateKey: string; readonly publicKey: string };
  readonly host: { readonly privateKey: string; readonly publicKey: string };
}

/** Opens the connection to a sandbox host, pinned to the key that it was given. */
export function connectSandbox(
  host: Host,
  keys: HostKeys,
  signal: AbortSignal,
  deadlineSeconds: number,
): Promise<Connection> {
  return connect(
    {
      name: host.name,
      address: host.address,
      port: 22,
      user: 'root',
      privateKey: keys.client.privateKey,
      hostKey: keys.host.publicKey,
    },
    { signal, deadlineSeconds },
  );
}

const hostsFile = (lab: Lab): string =>
  [
    '127.0.0.1 localhost',
    '::1 localhost',
    ...lab.hosts.map(({ name, address }) => `${address} ${name}`),
    '',
  ].join('\n');

/**
 * Boots a host unless it runs, and waits until SSH answers. Rejects with `host-start-failed` as soon as the host ends
 * instead, with the last lines of its console.
 */
export async function bootSandbox(
  root: RootSession,
  lab: Lab,
  host: Host,
  keys: HostKeys,
  context: {
    signal: AbortSignal;
    deadlineSeconds: number;
    progress: (message: string) => void;
    log: (line: string) => void;
  },
): Promise<{ connection: Connection; changed: boolean }> {
  const started = await root.perform({
    verb: 'start-host',
    lab: lab.id,
    host: host.name,
    address: host.address,
    gateway: lab.underlay.gateway,
    prefixLength: prefixLength(lab.underlay.cidr),
    mtu: lab.underlay.mtu,
    memoryMebibytes: host.provider.memory ?? null,
    hostPrivateKey: keys.host.privateKey,
    authorizedKey: keys.client.publicKey.trim(),
    hostsFile: hostsFile(lab),
    node: nodeProgram(),
  });
  context.signal.throwIfAborted();
  context.progress('waiting for SSH');
  const stop = new AbortController();
  const supervisor = `/proc/${started.pid ?? 0}`;
  let death: Failure | null = null;
  const watch = setInterval(() => {
    if (existsSync(supervisor)) return;
    death = failure('host-start-failed', `Host ${host.name} ended while it booted.`);
    stop.abort();
  }, 100);
  try {
    const signal = AbortSignal.any([context.signal, stop.signal]);
    return {
      connection: await connectSandbox(host, keys, signal, context.deadlineSeconds),
      changed: started.changed,
    };
  } catch (thrown) {
    for (const line of await consoleTail(lab.id, host.name, 12)) context.log(line);
    throw death ?? thrown;
  } finally {
    clearInterval(watch);
  }
}
