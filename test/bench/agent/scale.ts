import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processMemory, processSeconds } from './cpu.ts';
import { startEtcd } from './etcd.ts';
import { makeAgent, waitForPeers } from './network.ts';
import { enterArguments, makeNamespace, type Namespace, removeNamespace } from './processes.ts';

/** Seconds from the agent's start to its peers programmed, beside the same entries by `ip -batch` and `bridge -batch`. */
export interface Scale {
  readonly peers: number;
  readonly agent: number;
  readonly batch: number;
  /** Seconds on a processor that the agent took for it, and its resident MB after it. */
  readonly processor: number;
  readonly memory: number;
}

const own = '172.16.0.1';
const hex = (number: number) => number.toString(16).padStart(2, '0');
const peer = (index: number) => {
  const [high, low] = [index >> 8, index & 255];
  return {
    base: `10.${64 + high}.${low}.0`,
    publicIp: `172.16.${1 + high}.${low}`,
    mac: `02:00:00:01:${hex(high)}:${hex(low)}`,
  };
};

function makeHost(label: string): Namespace {
  const host = makeNamespace(label);
  // The other end of the underlay is of no interest.
  host.sh('ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip link set eth1 up');
  host.sh(`ip addr add ${own}/16 dev eth0`);
  return host;
}

async function timeAgent(peers: number, directory: string) {
  const host = makeHost(`scale-${peers}`);
  const files = mkdtempSync(join(directory, 'scale-'));
  const config = { Network: '10.64.0.0/10', SubnetLen: 24, Backend: { Type: 'vxlan' } };
  const entries = Array.from({ length: peers }, (_, index): [string, string] => {
    const { base, publicIp, mac } = peer(index);
    const value = {
      PublicIP: publicIp,
      PublicIPv6: null,
      BackendType: 'vxlan',
      BackendData: { VNI: 1, VtepMAC: mac },
    };
    return [`subnets/${base}-24`, JSON.stringify(value)];
  });
  const etcd = await startEtcd(host, own, [['config', JSON.stringify(config)], ...entries]);
  const agent = makeAgent(host, files, etcd.endpoint, '10.100.0.1/24');
  try {
    const began = performance.now();
    agent.launch();
    // To ask costs the agent time too, the more the more peers it has to tell of.
    await waitForPeers(agent, peers, 10 + peers / 40);
    const seconds = (performance.now() - began) / 1000;
    const routes = host.sh('ip route show dev flannel.1 | grep -c via').trim();
    if (Number(routes) !== peers) throw new Error(`${routes} routes are there for ${peers} peers`);
    return {
      seconds,
      processor: processSeconds(agent.pid()),
      memory: processMemory(agent.pid()).resident,
    };
  } finally {
    await agent.end('SIGKILL');
    await etcd.remove();
    removeNamespace(host);
  }
}

function timeBatch(peers: number, directory: string): number {
  const host = makeHost(`batch-${peers}`);
  host.sh(`ip link add flannel.1 type vxlan id 1 local ${own} dev eth0 dstport 8472 nolearning`);
  host.sh('ip addr add 10.100.0.0/32 dev flannel.1; ip link set flannel.1 up');
  const all = Array.from({ length: peers }, (_, index) => peer(index));
  const [ip, bridge] = [join(directory, 'ip.batch'), join(directory, 'bridge.batch')];
  const neighbour = ({ base, mac }: (typeof all)[number]) =>
    `neigh replace ${base} lladdr ${mac} dev flannel.1 nud permanent`;
  const route = ({ base }: (typeof all)[number]) =>
    `route replace ${base}/24 via ${base} dev flannel.1 onlink`;
  writeFileSync(ip, `${[...all.map(neighbour), ...all.map(route)].join('\n')}\n`);
  const fdb = all.map(({ mac, publicIp }) => `fdb replace ${mac} dev flannel.1 dst ${publicIp}`);
  writeFileSync(bridge, `${fdb.join('\n')}\n`);
  const [nsenter = 'nsenter', ...into] = enterArguments(host);
  const began = performance.now();
  for (const argv of [
    ['ip', '-batch', ip],
    ['bridge', '-batch', bridge],
  ]) {
    const { status, stderr } = spawnSync(nsenter, [...into, ...argv], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
  }
  const seconds = (performance.now() - began) / 1000;
  removeNamespace(host);
  return seconds;
}

export async function measureScale(peers: number, directory: string): Promise<Scale> {
  const batch = timeBatch(peers, directory);
  const { seconds, processor, memory } = await timeAgent(peers, directory);
  return { peers, agent: seconds, batch, processor, memory };
}
