import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeNamespace, type Namespace } from '../../agent/backend/test-lab/lab.ts';
import { loadSystem } from '../../agent/kernel/native.ts';
import { startTestEtcd, type TestEtcd } from '../../agent/lease/test-etcd.ts';
import { bundleForTest } from '../../agent/test-bundle.ts';
import { openTestServiceManager, type TestServiceManager } from '../../agent/test-service-manager.ts';
import { type AgentStatus, agentStatus } from '../../contract/agent.ts';
import { root } from './flatland.ts';

/*
 * A whole overlay for the tests: hosts in network namespaces joined by a bridge, agents as processes under a service
 * manager, a real etcd in a namespace of its own, and pods that send each other numbered packets.
 */

const etcdAddress = '192.168.50.2';
export const endpoint = `http://${etcdAddress}:2379`;
export const prefix = '/coreos.com/network';

/** The agent and the program of the pods, bundled. */
export interface Programs {
  readonly directory: string;
  readonly agent: string;
  readonly traffic: string;
  remove(): void;
}

export async function buildPrograms(): Promise<Programs> {
  const directory = mkdtempSync(join(tmpdir(), 'flo-programs-'));
  const entryPoints = {
    agent: join(root, 'agent/index.ts'),
    traffic: join(root, 'test/agent/traffic.ts'),
  };
  await bundleForTest(entryPoints, directory);
  return {
    directory,
    agent: join(directory, 'agent.cjs'),
    traffic: join(directory, 'traffic.cjs'),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

const enter = (name: string): string[] => ['nsenter', `--net=/run/netns/${name}`];

/** A host with its agent: at most one runs at a time, and the service manager keeps its descriptors in between. */
export interface OverlayHost extends Namespace {
  readonly number: number;
  readonly address: string;
  /** The subnet that its `subnet.env` of an earlier life names, which it gets when nobody else has it. */
  readonly subnet: string;
  readonly pod: Namespace;
  readonly podAddress: string;
  /** The folder of `subnet.env`, `docker.env` and `agent.sock`. */
  readonly files: string;
  readonly manager: TestServiceManager;
  /** Starts the agent with the flags that every test wants and more; `bare`: with the given ones alone. */
  start(args?: readonly string[], environment?: Readonly<Record<string, string>>, bare?: 'bare'): void;
  /** Runs the agent's program to its end, which is one of its commands or a refusal. */
  run(args: readonly string[], environment?: Readonly<Record<string, string>>): ProgramEnd;
  /** Ends the agent with a signal; resolves to its exit code, null when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** The process of the agent that runs. */
  pid(): number;
  /** What all its agents have written. */
  output(): string;
  status(): Promise<AgentStatus | null>;
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A key of etcd: what it holds, the lease that it hangs on (null: none), and its last change. */
export interface EtcdEntry {
  readonly value: string;
  readonly lease: string | null;
  readonly revision: string;
}

/** Keys below one prefix of etcd. */
export interface EtcdKeys {
  /** Puts a key, under an etcd lease if one is named. */
  put(key: string, value: string, lease?: string): void;
  remove(key: string): void;
  read(key: string): string | null;
  entry(key: string): EtcdEntry | null;
  /** The names of all keys, without the prefix. */
  names(): string[];
}

/** A run of lost packets: which way, when its first was sent after the traffic began, and for how long none arrived. */
export interface Loss {
  readonly from: string;
  readonly to: string;
  readonly packets: number;
  readonly atMilliseconds: number;
  readonly milliseconds: number;
}
export interface TrafficReport {
  readonly sent: number;
  readonly lost: number;
  readonly losses: readonly Loss[];
  /** The longest time for which packets of one direction were lost; 0 when none was. */
  readonly longestGap: number;
}
export interface Traffic {
  /** Ends it after a moment in which what is under way arrives. */
  stop(): Promise<TrafficReport>;
}

export interface TestOverlay extends EtcdKeys {
  readonly hosts: readonly OverlayHost[];
  readonly wire: Namespace;
  etcd(): TestEtcd;
  /** Removes etcd with its data and starts another one in its place, with the configuration or without. */
  replaceEtcd(): Promise<void>;
  /** Cuts etcd off from all hosts, or joins it again. */
  setEtcdLink(state: 'up' | 'down'): void;
  /** Asks etcd's own JSON gateway; throws when it fails. */
  gateway(path: string, body: object): unknown;
  /** The keys below another prefix; those of the overlay itself are below flannel's own. */
  under(prefix: string): EtcdKeys;
  /** Polls until `look` finds something; throws with the agents' output after a while. */
  until<T>(what: string, look: () => Promise<T | null> | T | null, seconds?: number): Promise<T>;
  /** Waits until an agent is ready with as many programmed peers. */
  ready(host: OverlayHost, peers?: number): Promise<AgentStatus>;
  startTraffic(packetsPerSecond?: number): Promise<Traffic>;
  close(): Promise<void>;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const text = (encoded: string) => Buffer.from(encoded, 'base64').toString();
const rangeAnswer = z.object({
  kvs: z
    .array(
      z.object({
        key: z.string().transform(text),
        value: z.string().default('').transform(text),
        lease: z.string().default('0'),
        mod_revision: z.string(),
      }),
    )
    .default([]),
});
/** The end of a range of all keys that begin with a text whose last character is a slash (etcd's API, range_end). */
const afterPrefix = (prefix: string) => `${prefix.slice(0, -1)}0`;
const ended = z.object({
  sent: z.record(z.string(), z.object({ count: z.int(), lastAt: z.number() })),
  beganAt: z.number(),
});
const reported = z.object({
  losses: z.array(z.object({ from: z.string(), packets: z.int(), at: z.number(), milliseconds: z.number() })),
});

/** The program of one pod; an order is a line, and so is its answer. */
function startPod(host: OverlayHost, program: string, peers: readonly string[], packetsPerSecond: number) {
  const [command = '', ...args] = [
    ...enter(host.pod.name),
    process.execPath,
    program,
    JSON.stringify({ own: host.podAddress, peers, packetsPerSecond }),
  ];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the program of ${host.pod.name} has ended`);
    return JSON.parse(value);
  };
  return {
    child,
    listening: answer,
    ask(order: object): Promise<unknown> {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      return answer();
    },
  };
}

/** The status of the agent that listens at a socket; null when none does. */
const askStatus = (socketPath: string): Promise<AgentStatus | null> =>
  new Promise((resolve) => {
    const asked = get({ socketPath, path: '/status', timeout: 5000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      response.on('end', () => resolve(agentStatus.parse(JSON.parse(body))));
      response.on('error', () => resolve(null));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(null));
  });

let overlays = 0;

/**
 * Hosts 192.168.50.11, .12… that get the subnets 10.5.1.0/24, 10.5.2.0/24…, each with a pod that has the second address
 * of its subnet. No agent runs yet; etcd has the configuration, unless that is null.
 */
export async function makeOverlay(
  programs: Programs,
  count: number,
  config: object | null,
): Promise<TestOverlay> {
  overlays += 1;
  const name = `flo-${process.pid}-${overlays}`;
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const system = await loadSystem();
  const namespaces: string[] = [];
  const children: ChildProcess[] = [];
  const make = (suffix: string) => {
    const made = makeNamespace(`${name}-${suffix}`);
    namespaces.push(made.name);
    return made;
  };
  const wire = make('wire');
  wire.sh('ip link add br0 type bridge && ip link set br0 up');
  const home = make('etcd');
  const plug = (namespace: Namespace, port: string, address: string) => {
    wire.sh(
      `ip link add ${port} type veth peer name eth0 netns ${namespace.name}; ip link set ${port} master br0 up`,
    );
    namespace.sh(`ip addr add ${address}/24 dev eth0; ip link set eth0 up`);
  };
  plug(home, 'etcd', etcdAddress);

  function makeHost(number: number): OverlayHost {
    const host = make(`h${number}`);
    const pod = make(`p${number}`);
    const address = `192.168.50.${10 + number}`;
    plug(host, `h${number}`, address);
    host.sh('ip route add default via 192.168.50.1');
    host.sh(`ip link add pod0 type veth peer name eth0 netns ${pod.name}; ip link set pod0 up`);
    host.sh(`ip addr add 10.5.${number}.1/24 dev pod0`);
    pod.sh(
      `ip addr add 10.5.${number}.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.5.${number}.1`,
    );
    const files = join(directory, `host-${number}`);
    mkdirSync(files);
    writeFileSync(join(files, 'subnet.env'), `FLANNEL_SUBNET=10.5.${number}.1/24\n`);
    const manager = openTestServiceManager(system, join(directory, `notify-${number}`));
    let running: { child: ChildProcess; exit: Promise<number | null> } | null = null;
    let output = '';
    return {
      ...host,
      number,
      address,
      subnet: `10.5.${number}.0/24`,
      pod,
      podAddress: `10.5.${number}.2`,
      files,
      manager,
      start(args = [], environment = {}, bare) {
        const usual = [
          `-etcd-endpoints=${endpoint}`,
          '-iface=eth0',
          '-ip-masq',
          `-subnet-file=${files}/subnet.env`,
          `-docker-options-file=${files}/docker.env`,
          `-status-socket=${files}/agent.sock`,
        ];
        const argv = [process.execPath, programs.agent, ...(bare === undefined ? usual : []), ...args];
        const child = manager.launch(enter(host.name), argv, {
          env: { ...process.env, ...environment },
        });
        children.push(child);
        for (const stream of [child.stdout, child.stderr])
          stream?.setEncoding('utf8').on('data', (text: string) => {
            output += text;
          });
        running = { child, exit: new Promise((resolve) => child.once('exit', resolve)) };
      },
      async end(signal) {
        if (running === null) throw new Error(`no agent runs on host ${number}`);
        const { child, exit } = running;
        child.kill(signal);
        running = null;
        return exit;
      },
      run(args, environment = {}) {
        const [command = '', ...before] = enter(host.name);
        const ended = spawnSync(command, [...before, process.execPath, programs.agent, ...args], {
          env: { ...process.env, ...environment },
          encoding: 'utf8',
          timeout: 20_000,
        });
        return { code: ended.status, stdout: ended.stdout, stderr: ended.stderr };
      },
      pid: () => running?.child.pid ?? 0,
      output: () => output,
      status: () => askStatus(`${files}/agent.sock`),
    };
  }

  const hosts = Array.from({ length: count }, (_, index) => makeHost(index + 1));
  // An agent that tells much must not wait for us to read it.
  const drain = setInterval(() => {
    for (const { manager } of hosts) manager.told();
  }, 100);
  const where = { address: etcdAddress, port: 2379, namespace: home.name };
  let etcd = await startTestEtcd(where);

  async function until<T>(what: string, look: () => Promise<T | null> | T | null, seconds = 20): Promise<T> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      if (Date.now() > deadline) {
        const outputs = hosts
          .map(({ number, output }) => `host ${number}:\n${output().slice(-3000)}`)
          .join('---\n');
        throw new Error(`no ${what} within ${seconds} s:\n${outputs}`);
      }
      await sleep(30);
    }
  }

  function gateway(path: string, body: object): unknown {
    const url = `${endpoint}${path}`;
    const text = execFileSync(
      'nsenter',
      [
        `--net=/run/netns/${home.name}`,
        'curl',
        '-sS',
        '--fail',
        '--max-time',
        '5',
        '-d',
        JSON.stringify(body),
        url,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    return JSON.parse(text);
  }
  function under(above: string): EtcdKeys {
    const range = (body: object) => rangeAnswer.parse(gateway('/v3/kv/range', body)).kvs;
    const entry = (key: string): EtcdEntry | null => {
      const [first] = range({ key: base64(`${above}/${key}`) });
      if (first === undefined) return null;
      const { value, lease, mod_revision: revision } = first;
      return { value, lease: lease === '0' ? null : lease, revision };
    };
    return {
      put(key, value, lease = '0') {
        gateway('/v3/kv/put', { key: base64(`${above}/${key}`), value: base64(value), lease });
      },
      remove(key) {
        gateway('/v3/kv/deleterange', { key: base64(`${above}/${key}`) });
      },
      read: (key) => entry(key)?.value ?? null,
      entry,
      names: () =>
        range({ key: base64(`${above}/`), range_end: base64(afterPrefix(`${above}/`)) }).map(({ key }) =>
          key.slice(above.length + 1),
        ),
    };
  }
  const keys = under(prefix);
  const configure = () =>
    until('etcd', () => {
      try {
        if (config === null) gateway('/v3/kv/range', { key: base64('/') });
        else keys.put('config', JSON.stringify(config));
        return true;
      } catch {
        return null;
      }
    });

  async function startTraffic(packetsPerSecond = 500): Promise<Traffic> {
    const pods = hosts.map((host) => {
      const peers = hosts.filter((other) => other !== host).map(({ podAddress }) => podAddress);
      return startPod(host, programs.traffic, peers, packetsPerSecond);
    });
    for (const { child } of pods) children.push(child);
    await Promise.all(pods.map(({ listening }) => listening()));
    for (const pod of pods) await pod.ask({ do: 'send' });
    return {
      async stop() {
        const sent = await Promise.all(pods.map(async (pod) => ended.parse(await pod.ask({ do: 'stop' }))));
        await sleep(500);
        const reports = await Promise.all(
          pods.map(async (pod, index) => {
            const own = hosts[index]?.podAddress ?? '';
            const expected = Object.fromEntries(
              sent.flatMap(({ sent: counts }, from) => {
                const address = hosts[from]?.podAddress ?? '';
                const count = counts[own];
                return count === undefined ? [] : [[address, count]];
              }),
            );
            return { own, ...reported.parse(await pod.ask({ do: 'report', expected })) };
          }),
        );
        for (const { child } of pods) child.kill('SIGKILL');
        const beganAt = Math.min(...sent.map((each) => each.beganAt));
        const losses = reports.flatMap(({ own, losses: runs }) =>
          runs.map(({ from, packets, at, milliseconds }) => ({
            from,
            to: own,
            packets,
            atMilliseconds: Math.round(at - beganAt),
            milliseconds: Math.round(milliseconds),
          })),
        );
        return {
          sent: sent
            .flatMap((each) => Object.values(each.sent))
            .reduce((sum, { count: one }) => sum + one, 0),
          lost: losses.reduce((sum, { packets }) => sum + packets, 0),
          losses,
          longestGap: Math.max(0, ...losses.map(({ milliseconds }) => milliseconds)),
        };
      },
    };
  }

  const overlay: TestOverlay = {
    hosts,
    wire,
    etcd: () => etcd,
    async replaceEtcd() {
      await etcd.remove();
      etcd = await startTestEtcd(where);
      await configure();
    },
    setEtcdLink(state) {
      wire.sh(`ip link set etcd ${state}`);
    },
    gateway,
    ...keys,
    under,
    until,
    ready: (host, peers = count - 1) =>
      until(`ready agent on host ${host.number}`, async () => {
        const status = await host.status();
        const programmed = status?.peers.filter(({ state }) => state === 'programmed').length ?? 0;
        return status?.phase === 'ready' && programmed === peers ? status : null;
      }),
    startTraffic,
    async close() {
      clearInterval(drain);
      for (const child of children) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exit = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGCONT');
        child.kill('SIGKILL');
        await exit;
      }
      await etcd.remove();
      for (const { manager } of hosts) manager.close();
      for (const each of namespaces) spawnSync('ip', ['netns', 'delete', each]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await configure();
  } catch (error) {
    await overlay.close();
    throw error;
  }
  return overlay;
}

/** Whether one pod reaches another with a packet of this many bytes of payload, unfragmented. */
export const pings = (from: OverlayHost, to: OverlayHost, size = 100): boolean =>
  from.pod.ok(`ping -c 1 -W 1 -M do -s ${size} ${to.podAddress}`);

export const subnetFile = (host: OverlayHost): string => readFileSync(`${host.files}/subnet.env`, 'utf8');
