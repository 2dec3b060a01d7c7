import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

/** A real etcd of one member for tests, with its data in a folder of its own. */
export interface TestEtcd {
  readonly endpoint: string;
  /** For what other programs would do to our keys. */
  readonly client: Etcd3;
  signal(name: NodeJS.Signals): void;
  /** Ends the member; its data stays. */
  stop(): Promise<void>;
  /** Starts it again with the data that it had. */
  start(): Promise<void>;
  /** Removes its data while it is stopped. */
  wipe(): void;
  /** Saves what it has, which `restore` brings back while it is stopped: its revision goes back too. */
  backup(): void;
  restore(): void;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

/**
 * Whether an etcd serves there; of one with mTLS only that it listens, which is enough, since calls wait for the
 * rest.
 */
const answers = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { protocol, hostname, port } = new URL(url);
    if (protocol === 'http:') {
      fetch(`${url}/health`).then(
        ({ ok }) => resolve(ok),
        () => resolve(false),
      );
      return;
    }
    const socket = connect(Number(port), hostname);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });

const etcdctl = (args: readonly string[]): void => {
  execFileSync('etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' }, stdio: 'pipe' });
};

/** Files of an authority and of a certificate that it gave, for the member and its clients alike. */
export interface TestCertificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * Starts an etcd that listens at an address, in a network namespace if one is named, with mTLS if it has
 * certificates.
 */
export async function startTestEtcd(
  where: { address?: string; port?: number; namespace?: string; certificates?: TestCertificates } = {},
): Promise<TestEtcd> {
  const { address = '127.0.0.1', namespace, certificates } = where;
  const directory = mkdtempSync(join(tmpdir(), 'flt-etcd-'));
  const clientUrl = `${certificates === undefined ? 'http' : 'https'}://${address}:${where.port ?? (await freePort())}`;
  const saved = join(directory, 'saved.db');
  const peerUrl = `http://127.0.0.1:${await freePort()}`;
  const argv = [
    ...(namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace]),
    'etcd',
    '--name=test',
    `--data-dir=${directory}`,
    `--listen-client-urls=${clientUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=test=${peerUrl}`,
    '--heartbeat-interval=20',
    '--election-timeout=200',
    '--log-level=error',
    ...(certificates === undefined
      ? []
      : [
          '--client-cert-auth',
          `--trusted-ca-file=${certificates.authority}`,
          `--cert-file=${certificates.certificate}`,
          `--key-file=${certificates.key}`,
        ]),
  ];
  let child: ChildProcess | null = null;
  const client = new Etcd3({
    hosts: clientUrl,
    ...(certificates === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: readFileSync(certificates.authority),
            privateKey: readFileSync(certificates.key),
            certChain: readFileSync(certificates.certificate),
          },
        }),
  });

  const etcd: TestEtcd = {
    endpoint: clientUrl,
    client,
    signal(name) {
      child?.kill(name);
    },
    async start() {
      const [program = 'etcd', ...args] = argv;
      const started = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
      child = started;
      let ended = false;
      started.once('exit', () => {
        ended = true;
      });
      // In a namespace nobody outside can ask it; it is ready soon after.
      if (namespace !== undefined) return;
      for (let tries = 0; tries < 200; tries += 1) {
        if (ended) throw new Error('etcd ended');
        if (await answers(clientUrl)) return;
        await sleep(25);
      }
      throw new Error('etcd did not start');
    },
    async stop() {
      const running = child;
      child = null;
      if (running === null || running.exitCode !== null || running.signalCode !== null) return;
      const exit = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGCONT');
      running.kill('SIGKILL');
      await exit;
    },
    wipe() {
      rmSync(join(directory, 'member'), { recursive: true, force: true });
    },
    backup() {
      etcdctl(['--endpoints', clientUrl, 'snapshot', 'save', saved]);
    },
    restore() {
      etcd.wipe();
      const made = join(directory, 'restored');
      const cluster = [`--initial-cluster=test=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`];
      etcdctl(['snapshot', 'restore', saved, '--name=test', ...cluster, `--data-dir=${made}`]);
      renameSync(join(made, 'member'), join(directory, 'member'));
    },
    async remove() {
      client.close();
      await etcd.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await etcd.start();
  } catch (error) {
    await etcd.remove();
    throw error;
  }
  return etcd;
}
