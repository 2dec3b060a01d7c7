import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';
import { makeNamespace } from '../backend/test-lab/lab.ts';
import { startTestProxy, type TestProxy } from './test-proxy.ts';

/** One member of a cluster. */
export interface TestMember {
  readonly endpoint: string;
  /** For what other programs would do to our keys, by way of this member. */
  readonly client: Etcd3;
  isLeader(): Promise<boolean>;
  kill(): Promise<void>;
  start(): void;
  /** Cuts it off from the other members, or joins it again; its clients still reach it. */
  setLink(state: 'up' | 'down'): void;
}

export interface TestCluster {
  readonly members: readonly TestMember[];
  /** Resolves to the leader that a majority agrees on. */
  leader(): Promise<TestMember>;
  remove(): Promise<void>;
}

let clusters = 0;

/**
 * Starts three members in network namespaces of their own, joined by a bridge, so that one can be cut off from the
 * others. Clients come in through Unix sockets, which namespaces don't separate, and a proxy for each.
 */
export async function startTestCluster(): Promise<TestCluster> {
  clusters += 1;
  const name = `uc-${process.pid}-${clusters}`;
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const wire = makeNamespace(`${name}-wire`);
  wire.sh('ip link add br0 type bridge && ip link set br0 up');
  const namespaces = [wire.name];
  const peerUrl = (number: number) => `http://10.250.0.${number}:2380`;
  const numbers = [1, 2, 3];
  const cluster = numbers.map((number) => `m${number}=${peerUrl(number)}`).join();
  const proxies: TestProxy[] = [];
  const children = new Map<number, ChildProcess>();

  async function makeMember(number: number): Promise<TestMember> {
    const home = makeNamespace(`${name}-m${number}`);
    namespaces.push(home.name);
    wire.sh(
      `ip link add m${number} type veth peer name eth0 netns ${home.name}; ip link set m${number} master br0 up`,
    );
    home.sh(`ip addr add 10.250.0.${number}/24 dev eth0; ip link set eth0 up`);
    const data = join(directory, `m${number}`);
    mkdirSync(data);
    // etcd makes the socket in its working directory, under the name of the "host".
    const proxy = await startTestProxy({ path: join(data, 'client:1') });
    proxies.push(proxy);
    const client = new Etcd3({ hosts: proxy.endpoint });
    const argv = [
      `--net=/run/netns/${home.name}`,
      'etcd',
      `--name=m${number}`,
      `--data-dir=${join(data, 'data')}`,
      '--listen-client-urls=unix://client:1',
      `--advertise-client-urls=${proxy.endpoint}`,
      `--listen-peer-urls=${peerUrl(number)}`,
      `--initial-advertise-peer-urls=${peerUrl(number)}`,
      `--initial-cluster=${cluster}`,
      `--initial-cluster-token=${name}`,
      '--heartbeat-interval=50',
      '--election-timeout=500',
      '--log-level=error',
    ];
    return {
      endpoint: proxy.endpoint,
      client,
      async isLeader() {
        const { leader, header } = await client.maintenance.status();
        return leader === header.member_id;
      },
      start() {
        children.set(number, spawn('nsenter', argv, { cwd: data, stdio: 'ignore' }));
      },
      async kill() {
        const child = children.get(number);
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const exit = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await exit;
        rmSync(join(data, 'client:1'), { force: true });
      },
      setLink: (state) => void wire.sh(`ip link set m${number} ${state}`),
    };
  }

  const members: TestMember[] = [];
  const made: TestCluster = {
    members,
    async leader() {
      const deadline = Date.now() + 20_000;
      while (Date.now() < deadline) {
        for (const member of members) {
          // A write needs a majority: so this is no leader that was.
          const isLeader = await member.isLeader().catch(() => false);
          const writes =
            isLeader &&
            (await member.client
              .put('leader')
              .value('')
              .then(
                () => true,
                () => false,
              ));
          if (writes) return member;
        }
        await sleep(50);
      }
      throw new Error('no leader within 20 s');
    },
    async remove() {
      for (const member of members) {
        member.client.close();
        await member.kill();
      }
      for (const proxy of proxies) await proxy.close();
      for (const each of namespaces) spawnSync('ip', ['netns', 'delete', each]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    for (const number of numbers) members.push(await makeMember(number));
    for (const member of members) member.start();
    await made.leader();
  } catch (error) {
    await made.remove();
    throw error;
  }
  return made;
}
