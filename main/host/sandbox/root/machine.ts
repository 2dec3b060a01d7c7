import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, openSync, statSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { consoleLog, hostNamespace, hostRuntime, labStorage, machineName } from '../paths.ts';
import type { Performed, Verb } from '../verbs.ts';
import { endProcesses, makeControlGroups, removeControlGroups } from './cgroup.ts';
import { joinUnderlay, leaveUnderlay } from './underlay.ts';

type StartHost = Extract<Verb, { verb: 'start-host' }>;

/** Private or misleading places of this machine that a host must not see; each becomes an empty tmpfs. */
const hidden = [
  '/home',
  '/root',
  '/srv',
  '/mnt',
  '/media',
  // A host's units are all there is; what systemd would generate from this machine's fstab and init scripts is not wanted.
  '/usr/lib/systemd/system-generators',
  '/usr/lib/systemd/system-environment-generators',
  '/usr/lib/systemd/system/local-fs.target.wants',
  '/usr/lib/systemd/system/sysinit.target.wants',
  '/etc/docker',
  '/etc/containerd',
  '/etc/cni',
  '/var/lib/containerd',
  '/var/lib/etcd',
  '/var/lib/kubelet',
  '/var/log',
  '/var/spool',
];

/** What a host has of its own at these places, whatever this machine has mounted there. */
const identity = [
  '/etc/hosts',
  '/etc/hostname',
  '/etc/machine-id',
  '/etc/shadow',
  '/etc/ssh',
  '/etc/systemd/system',
];

/**
 * What of this machine is mounted below `/` and belongs to the system: a folder of a real file system gets an overlay of
 * its own, a file of any is shown read-only.
 */
export function systemMounts(mountinfo: string, isFile: (path: string) => boolean): string[] {
  const system = /^\/(usr|var|opt|etc|lib|lib64|bin|sbin)(\/|$)/;
  const real = new Set([
    'ext2',
    'ext3',
    'ext4',
    'xfs',
    'btrfs',
    'zfs',
    'f2fs',
    'bcachefs',
    'erofs',
    'squashfs',
  ]);
  return mountinfo
    .split('\n')
    .map((line) => ({ path: line.split(' ')[4] ?? '', type: line.split(' - ')[1]?.split(' ')[0] ?? '' }))
    .filter(
      ({ path, type }) =>
        system.test(path) &&
        !path.startsWith('/var/lib/docker') &&
        !/[\\:]/.test(path) &&
        (real.has(type) || isFile(path)),
    )
    .map(({ path }) => path)
    .filter(
      (path) => ![...hidden, ...identity].some((place) => path === place || path.startsWith(`${place}/`)),
    );
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Process ids of the systemd-nspawn that runs this machine and of the machine's own first process; null when there is none. */
async function findMachine(machine: string): Promise<{ supervisor: number; first: number | null } | null> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // A zombie has an empty command line, so it is never found.
    const words = (await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (!words[0]?.endsWith('systemd-nspawn') || !words.includes(`--machine=${machine}`)) continue;
    const children = await readFile(`/proc/${entry}/task/${entry}/children`, 'utf8').catch(() => '');
    const first = Number.parseInt(children, 10);
    return { supervisor: Number(entry), first: Number.isNaN(first) ? null : first };
  }
  return null;
}

/**
 * shadow(5) of a host: nobody has a password. This machine's own would tell its hashes, and a root account that is locked
 * there with `!`, as Ubuntu's is, may not even log in with a key (sshd without PAM, allowed_user in auth.c).
 */
export const shadowFile = (passwd: string): string =>
  passwd
    .split('\n')
    .map((line) => line.split(':')[0] ?? '')
    .filter((name) => name !== '')
    .map((name) => `${name}:*:::::::\n`)
    .join('');

async function writeIdentity(request: StartHost, directory: string, units: string): Promise<void> {
  await mkdir(join(directory, 'ssh'), { recursive: true, mode: 0o700 });
  await mkdir(join(directory, 'tmp'), { recursive: true, mode: 0o700 });
  await cp(units, join(directory, 'system'), { recursive: true });
  const sshd = [
    'Port 22',
    `ListenAddress ${request.address}`,
    'HostKey /etc/ssh/ssh_host_ed25519_key',
    'AuthorizedKeysFile /etc/ssh/authorized_keys',
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    'UsePAM no',
    'UseDNS no',
    'PrintMotd no',
    'MaxStartups 64',
    'MaxSessions 64',
    'AllowStreamLocalForwarding yes',
    'AllowTcpForwarding yes',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
  const files: [string, string, number][] = [
    ['ssh/sshd_config', sshd, 0o644],
    ['ssh/ssh_host_ed25519_key', request.hostPrivateKey, 0o600],
    ['ssh/authorized_keys', `${request.authorizedKey}\n`, 0o600],
    ['hostname', `${request.host}\n`, 0o644],
    ['hosts', request.hostsFile, 0o644],
    ['shadow', shadowFile(await readFile('/etc/passwd', 'utf8')), 0o600],
    [
      'machine-id',
      `${createHash('sha256').update(machineName(request.lab, request.host)).digest('hex').slice(0, 32)}\n`,
      0o444,
    ],
  ];
  await Promise.all(files.map(([name, text, mode]) => writeFile(join(directory, name), text, { mode })));
}

/**
 * Boots a host: this machine's own root file system, copy-on-write, under systemd-nspawn (systemd-nspawn(1)).
 * Everything that it mounts lives in a mount namespace of its own and ends with it. Answers the supervisor's process id.
 */
export async function startHost(request: StartHost, units: string): Promise<Performed> {
  const { lab, host } = request;
  const machine = machineName(lab, host);
  const running = await findMachine(machine);
  if (running !== null) return { pid: running.supervisor, changed: false };
  await clearRuntime(lab, host);

  const directory = hostRuntime(lab, host);
  // What a host keeps over a restart: Docker's images and containers, etcd's data.
  const storage = join(labStorage(lab), host);
  for (const part of ['docker', 'state']) await mkdir(join(storage, part), { recursive: true, mode: 0o711 });
  const [groups, mountinfo] = await Promise.all([
    makeControlGroups(machine, request.memoryMebibytes),
    readFile('/proc/self/mountinfo', 'utf8'),
    writeIdentity(request, directory, units),
    joinUnderlay(request),
  ]);
  const root = join(directory, 'root');
  await mkdir(root, { recursive: true });

  const nspawn = [
    `--directory=${root}`,
    '--volatile=overlay',
    `--machine=${machine}`,
    `--hostname=${host}`,
    `--network-namespace-path=${hostNamespace(lab, host)}`,
    '--register=no',
    '--keep-unit',
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    '--console=read-only',
    '--quiet',
    // Docker needs them; the host is a copy of this machine for its own user, not a security boundary.
    '--capability=all',
    '--bind=/dev/net/tun',
    ...systemMounts(mountinfo, isFile).map((path) =>
      isFile(path) ? `--bind-ro=${path}` : `--overlay=${path}::${path}`,
    ),
    ...hidden.filter((path) => existsSync(path)).map((path) => `--tmpfs=${path}:mode=0755`),
    `--bind=${join(directory, 'system')}:/etc/systemd/system`,
    `--bind-ro=${join(directory, 'ssh')}:/etc/ssh`,
    `--bind-ro=${join(directory, 'hostname')}:/etc/hostname`,
    `--bind-ro=${join(directory, 'hosts')}:/etc/hosts`,
    `--bind-ro=${join(directory, 'shadow')}:/etc/shadow`,
    `--bind-ro=${join(directory, 'machine-id')}:/etc/machine-id`,
    `--bind=${join(storage, 'docker')}:/var/lib/docker`,
    `--bind=${join(storage, 'state')}:/var/lib/flatland`,
    `--bind-ro=${request.node}:/opt/flatland/node`,
    '--boot',
    '--',
    '--unit=flatland-host.target',
    // The console tells how the boot went.
    '--show-status=yes',
  ];
  // The shell moves itself into the control groups, then becomes systemd-nspawn: no process is ever in the wrong one.
  const script = [
    'set -e',
    `for group in ${groups.paths.map((path) => `'${path}'`).join(' ')}; do echo $$ > "$group/cgroup.procs"; done`,
    `mount --bind / '${root}'`,
    'exec systemd-nspawn "$@"',
  ].join('\n');
  const log = openSync(consoleLog(lab, host), 'a', 0o644);
  const child = spawn('unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh', ...nspawn], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      TMPDIR: join(directory, 'tmp'),
      SYSTEMD_SECCOMP: '0',
      // Docker and the agent set sysctls of the host's own network namespace.
      SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'network',
    },
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
  child.unref();
  return { pid, changed: true };
}

/** A zombie has ended too: its parent, which may be slow to reap, is the first process of this machine. */
async function ended(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat === null || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

async function waitForEnd(pid: number, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await ended(pid))) {
    if (Date.now() > deadline) throw new Error(`${what} (process ${pid}) did not end within 15 s of SIGKILL`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Ends a host at once, as pulling the plug would, and removes what it left on this machine; what it stored is kept for its
 * next start if so wished.
 */
export async function stopHost({
  lab,
  host,
  storage,
}: {
  lab: string;
  host: string;
  storage: 'keep' | 'remove';
}): Promise<void> {
  const machine = machineName(lab, host);
  const running = await findMachine(machine);
  if (running !== null) {
    // The end of its first process ends every process of the host (pid_namespaces(7)); nspawn then cleans up after itself.
    if (running.first !== null) process.kill(running.first, 'SIGKILL');
    else process.kill(running.supervisor, 'SIGKILL');
    await waitForEnd(running.supervisor, `host ${host}`);
  }
  await clearRuntime(lab, host);
  if (storage === 'remove') await rm(join(labStorage(lab), host), { recursive: true, force: true });
}

async function clearRuntime(lab: string, host: string): Promise<void> {
  const machine = machineName(lab, host);
  await endProcesses(machine);
  await leaveUnderlay(lab, host);
  await removeControlGroups(machine);
  await rm(hostRuntime(lab, host), { recursive: true, force: true });
  await rm(consoleLog(lab, host), { force: true });
  await rmdir(`/run/systemd/nspawn/propagate/${machine}`).catch(() => {});
}
