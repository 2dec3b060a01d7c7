import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestServiceManager } from '../../../agent/test-service-manager.ts';
import { type AgentStatus, agentStatus } from '../../../contract/agent.ts';
import { port, startEtcd } from './etcd.ts';
import { enterArguments, keep, makeNamespace, type Namespace, until } from './processes.ts';

const program = fileURLToPath(new URL('./agent/agent.cjs', import.meta.url));

/** What carries the packets between two containers; underlay: nothing, the hosts themselves talk. */
export const pathKinds = ['underlay', 'by-hand', 'vxlan', 'host-gw', 'udp', 'udp-plain'] as const;
export type PathKind = (typeof pathKinds)[number];

/** An agent that can be started again with what it left with its service manager. */
export interface Agent {
  pid(): number;
  launch(): void;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  status(): Promise<AgentStatus | null>;
  output(): string;
}

/** Two hosts joined by one veth pair, with a container behind a bridge in each. */
export interface Path {
  readonly kind: PathKind;
  readonly hosts: readonly [Namespace, Namespace];
  /** Who sends and who receives, and the address of who receives. */
  readonly from: Namespace;
  readonly to: Namespace;
  readonly target: string;
  readonly agents: readonly Agent[];
  readonly endpoint: string;
  remove(): Promise<void>;
}

export const address = (number: number) => `192.168.60.${number}`;

function askStatus(socketPath: string): Promise<AgentStatus | null> {
  return new Promise((resolve) => {
    const asked = get({ socketPath, path: '/status' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => {
        const parsed = agentStatus.safeParse(JSON.parse(text));
        resolve(parsed.success ? parsed.data : null);
      });
      response.on('error', () => resolve(null));
    });
    asked.on('error', () => resolve(null));
  });
}

/** Makes an agent in a host; it does not run before `launch`. */
export function makeAgent(
  host: Namespace,
  directory: string,
  endpoint: string,
  subnet: string,
  environment: Record<string, string> = {},
  manager: TestServiceManager | null = null,
): Agent {
  mkdirSync(directory, { recursive: true });
  // The subnet of an earlier life is the one that it leases again.
  writeFileSync(join(directory, 'subnet.env'), `FLANNEL_SUBNET=${subnet}\n`);
  const socket = join(directory, 'agent.sock');
  const argv = [
    process.execPath,
    program,
    `-etcd-endpoints=${endpoint}`,
    '-iface=eth0',
    `-subnet-file=${join(directory, 'subnet.env')}`,
    `-status-socket=${socket}`,
  ];
  const env = { ...process.env, ...environment };
  let child: ChildProcess | null = null;
  let exit: Promise<unknown> = Promise.resolve();
  let output = '';
  return {
    pid: () => child?.pid ?? 0,
    launch() {
      const [nsenter = 'nsenter', ...rest] = [...enterArguments(host), ...argv];
      const started =
        manager === null
          ? spawn(nsenter, rest, { stdio: ['ignore', 'pipe', 'pipe'], env })
          : manager.launch(enterArguments(host), argv, { env });
      child = keep(started);
      exit = new Promise((resolve) => started.once('exit', resolve));
      for (const stream of [started.stdout, started.stderr])
        stream?.setEncoding('utf8').on('data', (text: string) => {
          output = (output + text).slice(-4000);
        });
    },
    async end(signal) {
      child?.kill(signal);
      await exit;
    },
    status: () => askStatus(socket),
    output: () => output,
  };
}

const programmedPeers = (status: AgentStatus | null): number =>
  status?.phase === 'ready' ? status.peers.filter(({ state }) => state === 'programmed').length : -1;

/** Waits until an agent is ready and has as many peers; asks every `pause` milliseconds. */
export async function waitForPeers(agent: Agent, peers: number, pause = 20): Promise<AgentStatus> {
  try {
    return await until(`agent with ${peers} peers`, 30, pause, async () => {
      const status = await agent.status();
      return status !== null && programmedPeers(status) >= peers ? status : null;
    });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}; it says:\n${agent.output()}`);
  }
}

function makeHosts(kind: PathKind) {
  const hosts = [makeNamespace(`${kind}-h1`), makeNamespace(`${kind}-h2`)] as const;
  const containers = [makeNamespace(`${kind}-c1`), makeNamespace(`${kind}-c2`)] as const;
  hosts[0].sh(`ip link add eth0 mtu 1500 type veth peer name eth0 netns ${hosts[1].name}`);
  for (const [index, host] of hosts.entries()) {
    const number = index + 1;
    host.sh(
      `ip addr add ${address(number)}/24 dev eth0; ip link set eth0 up; sysctl -qw net.ipv4.ip_forward=1`,
    );
    const container = containers[index] ?? containers[0];
    host.sh(
      `ip link add docker0 type bridge; ip addr add 10.5.${number}.1/24 dev docker0; ip link set docker0 up
      ip link add pod type veth peer name eth0 netns ${container.name}
      ip link set pod master docker0; ip link set pod up`,
    );
    container.sh(
      `ip addr add 10.5.${number}.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.5.${number}.1`,
    );
  }
  return { hosts, containers };
}

function vxlanByHand(hosts: readonly Namespace[]): void {
  for (const [index, host] of hosts.entries()) {
    const [own, other] = [index + 1, 2 - index];
    host.sh(
      `ip link add flannel.1 address 02:00:00:00:00:0${own} type vxlan id 1 local ${address(own)} dev eth0 dstport 8472 nolearning
      ip addr add 10.5.${own}.0/32 dev flannel.1; ip link set flannel.1 up
      ip neigh add 10.5.${other}.0 lladdr 02:00:00:00:00:0${other} dev flannel.1 nud permanent
      bridge fdb add 02:00:00:00:00:0${other} dev flannel.1 dst ${address(other)}
      ip route add 10.5.${other}.0/24 via 10.5.${other}.0 dev flannel.1 onlink`,
    );
  }
}

/** Builds one path and waits until it carries packets. `manage` makes a service manager for a folder, or none. */
export async function makePath(
  kind: PathKind,
  directory: string,
  manage: (directory: string) => TestServiceManager | null,
): Promise<Path> {
  const { hosts, containers } = makeHosts(kind);
  const endpoint = `http://${address(1)}:${port}`;
  const agents: Agent[] = [];
  let mtu = 1500;
  let remove = async () => {};
  if (kind === 'by-hand') {
    vxlanByHand(hosts);
    mtu = 1450;
  } else if (kind !== 'underlay') {
    const type = kind === 'udp-plain' ? 'udp' : kind;
    const config = JSON.stringify({ Network: '10.5.0.0/16', Backend: { Type: type } });
    ({ remove } = await startEtcd(hosts[0], address(1), [['config', config]]));
    for (const [index, host] of hosts.entries()) {
      const files = join(directory, `${kind}-${index + 1}`);
      mkdirSync(files);
      const environment: Record<string, string> =
        kind === 'udp-plain' ? { FLATLAND_UDP_OFFLOADS: 'off' } : {};
      const agent = makeAgent(host, files, endpoint, `10.5.${index + 1}.1/24`, environment, manage(files));
      agents.push(agent);
      agent.launch();
    }
    for (const agent of agents) mtu = (await waitForPeers(agent, 1)).mtu ?? mtu;
  }
  // As Docker does with its --mtu.
  for (const container of containers) container.sh(`ip link set eth0 mtu ${mtu}`);
  for (const host of hosts) host.sh(`ip link set pod mtu ${mtu}; ip link set docker0 mtu ${mtu}`);
  const ends = kind === 'underlay' ? hosts : containers;
  const target = kind === 'underlay' ? address(2) : '10.5.2.2';
  await until(`packets over ${kind}`, 20, 100, () => {
    try {
      return ends[0].sh(`ping -c 1 -W 1 ${target}`);
    } catch {
      return null;
    }
  });
  return { kind, hosts, from: ends[0], to: ends[1], target, agents, endpoint, remove };
}
