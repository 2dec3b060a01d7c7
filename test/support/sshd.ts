import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '../../main/host/connection.ts';
import { generateKeyPair } from '../../main/host/keys.ts';

/** A real sshd of the test's own on loopback. */
export interface TestSshd {
  readonly target: ConnectionTarget;
  /** Process id of the server while it runs; its mount namespace has a /run of its own. */
  pid(): number;
  /** Process ids of the servers of the open connections, oldest first. */
  connections(): number[];
  start(): Promise<void>;
  /** Starts it on another port, as a machine that took an address over. */
  startAt(port: number): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** A TCP port of loopback that is free now. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Direct children of a process (proc(5), `children`). */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Prepares an sshd with keys of its own; it is started by `start`. Needs root, as sshd does. */
export async function prepareSshd(name = 'h1'): Promise<TestSshd> {
  const directory = mkdtempSync(join(tmpdir(), 'fl-sshd-'));
  const port = await freePort();
  const hostKey = generateKeyPair('host');
  const client = generateKeyPair('client');
  const write = (file: string, text: string) => {
    writeFileSync(join(directory, file), text, { mode: 0o600 });
    return join(directory, file);
  };
  const configuration = write(
    'sshd_config',
    [
      'ListenAddress 127.0.0.1',
      `HostKey ${write('host_key', hostKey.privateKey)}`,
      `AuthorizedKeysFile ${write('authorized_keys', `${client.publicKey}\n`)}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin prohibit-password',
      'AuthenticationMethods publickey',
      'PidFile none',
      'MaxStartups 64',
      'MaxSessions 64',
      'AllowStreamLocalForwarding yes',
      '',
    ].join('\n'),
  );
  let server: ChildProcess | null = null;

  const startAt = async (ownPort: number) => {
    // Debian's sshd wants /run/sshd, which only exists while the machine's own runs; this one gets a /run of its own.
    const script = `mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f '${configuration}' -p ${ownPort}`;
    const child = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    server = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`sshd did not start: ${said}`)));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
        if (said.includes('Server listening')) resolve();
      });
    });
  };

  const stop = async () => {
    const child = server;
    if (child?.pid === undefined) return;
    server = null;
    const sessions = childrenOf(child.pid);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    for (const pid of sessions) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
    await ended;
    // Loopback may take a moment to let go of the port.
    await sleep(10);
  };

  return {
    target: {
      name,
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      privateKey: client.privateKey,
      hostKey: hostKey.publicKey,
    },
    pid: () => server?.pid ?? 0,
    connections: () => (server?.pid === undefined ? [] : childrenOf(server.pid)),
    start: () => startAt(port),
    startAt,
    stop,
    async remove() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
