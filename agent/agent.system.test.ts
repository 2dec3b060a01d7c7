import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type AgentStatus, agentStatus } from '../contract/agent.ts';
import { type Host, type Lab, makeLab } from './backend/test-lab/lab.ts';
import { loadSystem } from './kernel/native.ts';
import { startTestEtcd, type TestEtcd } from './lease/test-etcd.ts';
import { bundleForTest } from './test-bundle.ts';
import { openTestServiceManager, type TestServiceManager } from './test-service-manager.ts';

/* The whole agent as a process, in hosts made of network namespaces, with a real etcd on the first of them. */

const modules = join(import.meta.dirname, '../node_modules');
const prefix = '/coreos.com/network';
const endpoint = 'http://192.168.50.11:2379';

let directory: string;
let program: string;
let lab: Lab | null = null;
let etcd: TestEtcd | null = null;
const agents: Agent[] = [];

interface Agent {
  readonly child: ChildProcess;
  readonly files: string;
  readonly exit: Promise<number | null>;
  output(): string;
  status(): Promise<AgentStatus | null>;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'flt-agent-'));
  program = join(directory, 'agent.cjs');
  await bundleForTest({ agent: join(import.meta.dirname, 'index.ts') }, directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  for (const agent of agents.splice(0)) {
    agent.child.kill('SIGKILL');
    await agent.exit;
  }
  await etcd?.remove();
  etcd = null;
  await lab?.remove();
  lab = null;
});

async function until<T>(what: string, look: () => Promise<T | null> | T | null, seconds = 10): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) {
      const outputs = agents.map((agent) => agent.output()).join('---\n');
      throw new Error(`no ${what} within ${seconds} s:\n${outputs}`);
    }
    await sleep(30);
  }
}

const inside = (host: Host, argv: readonly string[]) => [`--net=/run/netns/${host.name}`, ...argv];

/** Asks etcd's own JSON gateway from within a host, where alone it can be reached. */
function gateway(host: Host, path: string, body: object): void {
  const script = `fetch(process.argv[1], { method: 'POST', body: process.argv[2] }).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))`;
  const argv = inside(host, [process.execPath, '-e', script, `${endpoint}${path}`, JSON.stringify(body)]);
  if (spawnSync('nsenter', argv).status !== 0) throw new Error(`etcd did not do ${path}`);
}
const base64 = (text: string) => Buffer.from(text).toString('base64');
const put = (host: Host, key: string, value: string) =>
  gateway(host, '/v3/kv/put', { key: base64(`${prefix}/${key}`), value: base64(value) });

function start(
  host: Host,
  index: number,
  args: readonly string[] = [],
  manager: TestServiceManager | null = null,
): Agent {
  const files = join(directory, `host-${index}`);
  mkdirSync(files, { recursive: true });
  const argv = [
    process.execPath,
    program,
    `-etcd-endpoints=${endpoint}`,
    '-iface=eth0',
    '-ip-masq',
    `-subnet-file=${files}/subnet.env`,
    `-docker-options-file=${files}/docker.env`,
    `-status-socket=${files}/agent.sock`,
    ...args,
  ];
  const env = { ...process.env, NODE_PATH: modules };
  const child =
    manager === null
      ? spawn('nsenter', inside(host, argv), { stdio: ['ignore', 'pipe', 'pipe'], env })
      : manager.launch(['nsenter', ...inside(host, [])], argv, { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const agent: Agent = {
    child,
    files,
    exit: new Promise((resolve) => child.once('exit', resolve)),
    output: () => output,
    status: () =>
      new Promise((resolve) => {
        const asked = get({ socketPath: `${files}/agent.sock`, path: '/status' }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          response.on('end', () => resolve(agentStatus.parse(JSON.parse(text))));
        });
        asked.on('error', () => resolve(null));
      }),
  };
  agents.push(agent);
  return agent;
}

const ready = (agent: Agent, peers = 0) =>
  until('ready agent', async () => {
    const status = await agent.status();
    const programmed = status?.peers.filter(({ state }) => state === 'programmed').length ?? 0;
    return status?.phase === 'ready' && programmed === peers ? status : null;
  });

/** Two hosts whose earlier subnets are 10.5.1.0/24 and 10.5.2.0/24, so that the lab's pods fit them. */
async function twoHosts(config: object): Promise<[Host, Host]> {
  const made = makeLab(2, '');
  lab = made;
  const [one, two] = made.hosts;
  if (one === undefined || two === undefined) throw new Error('a lab of two has two hosts');
  etcd = await startTestEtcd({ address: '192.168.50.11', port: 2379, namespace: one.name });
  await until('etcd', () => {
    try {
      put(one, 'config', JSON.stringify(config));
      return true;
    } catch {
      return null;
    }
  });
  for (const index of [0, 1]) {
    rmSync(join(directory, `host-${index}`), { recursive: true, force: true });
    mkdirSync(join(directory, `host-${index}`));
    writeFileSync(join(directory, `host-${index}`, 'subnet.env'), `FLANNEL_SUBNET=10.5.${index + 1}.1/24\n`);
  }
  return [one, two];
}

const pings = (host: Host, target: string, size: number): boolean =>
  host.pod.ok(`ping -c 1 -W 1 -M do -s ${size} ${target}`);

test.each([
  { type: 'vxlan', mtu: 1450, device: 'flannel.1', survives: true },
  { type: 'udp', mtu: 1472, device: 'flannel0', survives: false },
  { type: 'host-gw', mtu: 1500, device: null, survives: true },
])(
  '$type: two agents carry packets, stop as flannel does, and clean up',
  async ({ type, mtu, device, survives }) => {
    const [one, two] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: type } });
    const manager = openTestServiceManager(await loadSystem(), join(directory, `notify-${type}`));
    const first = start(one, 0, [], manager);
    const second = start(two, 1);
    const status = await ready(first, 1);
    await ready(second, 1);

    expect(status).toMatchObject({
      network: '10.5.0.0/16',
      subnet: '10.5.1.0/24',
      backend: type,
      publicIp: '192.168.50.11',
      interface: 'eth0',
      mtu,
      waitingFor: null,
      etcd: { connected: true, error: null },
      peers: [{ subnet: '10.5.2.0/24', publicIp: '192.168.50.12', backendType: type, state: 'programmed' }],
    });
    expect(status.device?.name ?? null).toBe(device);
    expect(readFileSync(`${first.files}/subnet.env`, 'utf8')).toBe(
      `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.1.1/24\nFLANNEL_MTU=${mtu}\nFLANNEL_IPMASQ=true\n`,
    );
    expect(readFileSync(`${first.files}/docker.env`, 'utf8')).toContain(
      `DOCKER_OPTS=" --bip=10.5.1.1/24 --ip-masq=false --mtu=${mtu}"`,
    );
    expect(manager.told()).toContain('READY=1');
    expect(one.sh('iptables-save -t nat')).toContain('FLANNEL-POSTRTG');

    expect(pings(one, two.podAddress, mtu - 28)).toBe(true);
    expect(pings(two, one.podAddress, mtu - 28)).toBe(true);
    expect(pings(one, two.podAddress, mtu - 27)).toBe(false);

    const began = Date.now();
    first.child.kill('SIGTERM');
    expect(await first.exit).toBe(0);
    expect(Date.now() - began).toBeLessThan(2500);
    expect(manager.told()).toContain('STOPPING=1');
    manager.close();
    expect(pings(one, two.podAddress, 100)).toBe(survives);
    expect(readFileSync(`${first.files}/subnet.env`, 'utf8')).toContain('FLANNEL_SUBNET=10.5.1.1/24');

    second.child.kill('SIGTERM');
    expect(await second.exit).toBe(0);
    for (const host of [one, two]) {
      const cleaned = spawnSync('nsenter', inside(host, [process.execPath, program, 'cleanup']), {
        env: { ...process.env, NODE_PATH: modules },
        encoding: 'utf8',
      });
      expect([cleaned.status, cleaned.stderr]).toEqual([0, expect.stringMatching(/^removed .+\n$/)]);
      expect(host.sh('ip -o link')).not.toContain('flannel');
      expect(host.sh('ip route')).not.toContain('10.5.0.0/16');
      // Only the pod's own subnet is left of the overlay.
      expect(host.sh('ip -o route').match(/^10\.5\./gm)).toHaveLength(1);
      expect(host.sh('iptables-save')).not.toContain('FLANNEL');
    }
  },
);

test.each(['vxlan', 'host-gw', 'udp'])(
  '%s: the blackhole route drops what nothing here has, gives way to a bridge, and goes with its flag',
  async (type) => {
    const [one] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: type } });
    const blackholes = () => one.sh('ip -o route show type blackhole').trim();
    const wanted = /^blackhole 10\.5\.1\.0\/24 proto 85 metric 4294967295$/;
    const first = start(one, 0, ['-ip-blackhole-route', '-iptables-resync=1']);
    await ready(first);
    await until('blackhole route', () => (wanted.test(blackholes()) ? true : null));
    // The subnet's bridge is there, so its route is taken.
    expect(one.ok(`ping -c 1 -W 1 ${one.podAddress}`)).toBe(true);
    const bridge = /10\.5\.1\.0\/24 dev (\S+)/.exec(one.sh('ip -o route'))?.[1] ?? '';
    one.sh(`ip link set ${bridge} down`);
    const { error, stderr } = spawnSync('nsenter', inside(one, ['ip', 'route', 'get', '10.5.1.7']), {
      encoding: 'utf8',
    });
    expect([error, stderr]).toEqual([undefined, expect.stringContaining('Invalid argument')]);
    one.sh(`ip link set ${bridge} up`);

    one.sh('ip route flush type blackhole');
    await until('blackhole route again', () => (wanted.test(blackholes()) ? true : null));
    expect((await first.status())?.repairs).toBe(1);
    first.child.kill('SIGTERM');
    await first.exit;
    expect(blackholes()).toMatch(wanted);
    const without = start(one, 0);
    await ready(without);
    await until('no blackhole route', () => (blackholes() === '' ? true : null));
  },
);

test('its own key deleted, a foreign key, and its subnet taken by another host', async () => {
  const [one, two] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: 'vxlan' } });
  const first = start(one, 0);
  const second = start(two, 1);
  await ready(first, 1);
  await ready(second, 1);
  const mac = one.sh('cat /sys/class/net/flannel.1/address || ip -o link show flannel.1');

  put(one, 'subnets/rubbish', 'rubbish');
  gateway(one, '/v3/kv/deleterange', { key: base64(`${prefix}/subnets/10.5.1.0-24`) });
  await until('new lease', () => (first.output().includes('it is leased again') ? true : null));
  const again = await until('foreign key', async () => {
    const status = await second.status();
    return status !== null && status.peers.length === 2 ? status : null;
  });
  expect(again.peers.map(({ subnet, state }) => `${subnet} ${state}`)).toEqual([
    '10.5.1.0/24 programmed',
    'rubbish ignored',
  ]);
  // Between the deletion and the new lease the other host has taken its entries away.
  await until('ping', () => (pings(one, two.podAddress, 100) ? true : null));

  put(one, 'subnets/10.5.1.0-24', '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"vxlan"}');
  const moved = await until('another subnet', async () => {
    const status = await first.status();
    return status?.phase === 'ready' && status.subnet !== '10.5.1.0/24' ? status : null;
  });
  expect(moved.subnet).toMatch(/^10\.5\.\d+\.0\/24$/);
  expect(readFileSync(`${first.files}/subnet.env`, 'utf8')).toContain(
    `FLANNEL_SUBNET=${moved.subnet?.replace('.0/24', '.1/24')}`,
  );
  expect(one.sh('ip -4 -o addr show flannel.1')).toContain(`${moved.subnet?.replace('/24', '/32')}`);
  expect(one.sh('cat /sys/class/net/flannel.1/address || ip -o link show flannel.1')).toBe(mac);
});

test('a killed agent comes back with its subnet, and etcd may be away meanwhile', async () => {
  const [one] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } });
  const killed = start(one, 0);
  await ready(killed);
  killed.child.kill('SIGKILL');
  await killed.exit;
  await etcd?.stop();
  const back = start(one, 0);
  const waiting = await until('wait', async () => {
    const status = await back.status();
    return status?.phase === 'waiting' ? status : null;
  });
  expect(waiting.waitingFor).toContain(`etcd at ${endpoint}`);
  expect(waiting.etcd.connected).toBe(false);
  await etcd?.start();
  expect((await ready(back)).subnet).toBe('10.5.1.0/24');
});

test.each(['udp', 'vxlan', 'host-gw'])(
  '%s: an agent that starts while etcd is away carries packets as its earlier life did',
  async (type) => {
    const [one, two] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: type } });
    const killed = start(one, 0);
    const other = start(two, 1);
    await ready(killed, 1);
    await ready(other, 1);
    await etcd?.stop();
    killed.child.kill('SIGKILL');
    await killed.exit;
    if (type !== 'udp') one.sh('ip route flush proto 85');
    expect(pings(one, two.podAddress, 100)).toBe(false);

    const back = start(one, 0);
    await until('ping without etcd', () => (pings(one, two.podAddress, 100) ? true : null));
    expect(await back.status()).toMatchObject({ phase: 'waiting', subnet: '10.5.1.0/24' });

    await etcd?.start();
    expect((await ready(back, 1)).subnet).toBe('10.5.1.0/24');
    expect(pings(two, one.podAddress, 100)).toBe(true);
  },
);

test('udp: packets wait for the next process in what the service manager keeps', async () => {
  const [one, two] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: 'udp' } });
  const manager = openTestServiceManager(await loadSystem(), join(directory, 'notify-store'));
  const first = start(one, 0, [], manager);
  const second = start(two, 1);
  await ready(first, 1);
  await ready(second, 1);
  await until('descriptors', () => (manager.kept().length === 2 ? true : null));
  expect(manager.kept()).toEqual(['tun/flannel0', 'udp/192.168.50.11/8285']);
  const index = one.sh('cat /sys/class/net/flannel0/ifindex || ip -o link show flannel0');

  let current = first;
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    current.child.kill(signal);
    await current.exit;
    // Nobody carries packets now; both directions have one on its way.
    const waiting = [
      spawn('nsenter', [`--net=/run/netns/${one.pod.name}`, 'ping', '-c1', '-W9', two.podAddress]),
      spawn('nsenter', [`--net=/run/netns/${two.pod.name}`, 'ping', '-c1', '-W9', one.podAddress]),
    ].map((child) => new Promise((resolve) => child.once('exit', resolve)));
    await sleep(300);
    current = start(one, 0, [], manager);
    expect(await Promise.all(waiting), current.output()).toEqual([0, 0]);
    await ready(current, 1);
  }
  expect(one.sh('cat /sys/class/net/flannel0/ifindex || ip -o link show flannel0')).toBe(index);
  expect(manager.kept()).toEqual(['tun/flannel0', 'udp/192.168.50.11/8285']);

  // Another backend has no use for the device.
  put(one, 'config', '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}');
  current.child.kill('SIGTERM');
  await current.exit;
  const other = start(one, 0, [], manager);
  await until('host-gw', async () => ((await other.status())?.backend === 'host-gw' ? true : null));
  await until('no device', () => (one.ok('ip link show flannel0') ? null : true));
  expect(manager.kept()).toEqual([]);
  manager.close();
});

test('an earlier life on another address, or with a lease that has ended, is not carried on', async () => {
  const [one] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } });
  const first = start(one, 0);
  await ready(first);
  const path = `${first.files}/subnet.env.agent.json`;
  const saved: unknown = await until('saved state', () => {
    const text = readFileSync(path, 'utf8');
    return text === '' ? null : JSON.parse(text);
  });
  first.child.kill('SIGKILL');
  await first.exit;
  await etcd?.stop();
  const changed = [
    { endsAt: 0 },
    { bootId: 'an earlier one', expiresAt: new Date(Date.now() - 1000).toISOString() },
    { external: { name: 'eth0', index: 2, mtu: 1500, address: 1, publicIp: 1 } },
    { leases: 'rubbish' },
  ];
  for (const change of changed) {
    writeFileSync(path, JSON.stringify(Object.assign({}, saved, change)));
    const next = start(one, 0);
    const status = await until('wait for etcd', async () => {
      const now = await next.status();
      return now?.waitingFor?.includes('etcd at') ? now : null;
    });
    expect(status.subnet).toBeNull();
    next.child.kill('SIGKILL');
    await next.exit;
  }
});

test.each(['udp', 'vxlan', 'host-gw'])(
  "%s: the agent follows its interface's address and MTU, and keeps its subnet",
  async (type) => {
    const [one, two] = await twoHosts({ Network: '10.5.0.0/16', Backend: { Type: type } });
    const first = start(one, 0);
    const second = start(two, 1);
    const { mtu } = await ready(first, 1);
    await ready(second, 1);

    two.sh('ip addr del 192.168.50.12/24 dev eth0; ip addr add 192.168.50.99/24 dev eth0');
    two.sh('ip route replace default via 192.168.50.1');
    await until("the peer's new address", async () => {
      const status = await first.status();
      const [peer] = status?.peers ?? [];
      return peer?.publicIp === '192.168.50.99' && peer.state === 'programmed' ? true : null;
    });
    expect((await first.status())?.peers).toHaveLength(1);
    await until('ping to the new address', () => (pings(one, two.podAddress, 100) ? true : null));
    expect(await ready(second, 1)).toMatchObject({ subnet: '10.5.2.0/24', publicIp: '192.168.50.99' });

    one.sh('ip link set eth0 mtu 1400');
    const smaller = (mtu ?? 0) - 100;
    await until('smaller MTU', async () => ((await first.status())?.mtu === smaller ? true : null));
    expect(await ready(first, 1)).toMatchObject({ subnet: '10.5.1.0/24' });
    await until('files', () =>
      readFileSync(`${first.files}/subnet.env`, 'utf8').includes(`FLANNEL_MTU=${smaller}`) ? true : null,
    );
    await until('ping with the new MTU', () => (pings(two, one.podAddress, smaller - 28) ? true : null));
  },
);

test('a configuration that is missing or invalid is waited for; a stop ends that at once', async () => {
  const [one] = await twoHosts({ Network: '10.5.0.0/30' });
  const agent = start(one, 0);
  const wait = (words: string) =>
    until(words, async () => ((await agent.status())?.waitingFor?.includes(words) ? true : null));
  await wait('Minimum useful'.toLowerCase());
  gateway(one, '/v3/kv/deleterange', { key: base64(`${prefix}/config`) });
  await wait(`${prefix}/config is not in etcd`);
  const began = Date.now();
  agent.child.kill('SIGTERM');
  expect(await agent.exit).toBe(0);
  expect(Date.now() - began).toBeLessThan(1500);
});

test('what it can not use is refused in one line', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [program, ...args], {
      env: { ...process.env, NODE_PATH: modules },
      encoding: 'utf8',
    });
  const unknown = run('-no-such-flag');
  expect([unknown.status, unknown.stderr]).toEqual([2, 'flag provided but not defined: -no-such-flag\n']);
  const unreadable = run(
    '-etcd-endpoints=https://127.0.0.1:1',
    '-etcd-certfile=/none',
    '-etcd-keyfile=/none',
  );
  expect([unreadable.status, unreadable.stderr]).toEqual([
    1,
    expect.stringMatching(/^cannot go on: .*\/none.*\n$/),
  ]);
  expect(run('-version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});
