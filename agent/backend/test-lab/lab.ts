import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { agentPeer } from '../../../contract/agent.ts';
import { parseCidr, parseIpv4 } from '../../../contract/ipv4.ts';
import type { BackendConfig } from '../../lease/config.ts';
import type { Lease } from '../../lease/lease.ts';
import { bundleForTest } from '../../test-bundle.ts';

/* Hosts for the tests: network namespaces joined by a bridge in a namespace of its own, with a pod behind each. */

const answer = z.union([z.object({ result: z.unknown() }), z.object({ error: z.string() })]);
const created = z.object({
  attributes: z.object({ BackendType: z.string().optional(), BackendData: z.unknown().optional() }),
  mtu: z.number(),
});
const programmed = z.object({ peers: z.array(agentPeer), repairs: z.number() });

export const cidr = (text: string) => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};
export const ipv4 = (text: string) => {
  const parsed = parseIpv4(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};

export const network = cidr('10.5.0.0/16');

/** Bundles the driver as the agent is bundled: one file for the program and its workers. */
export async function buildDriver(): Promise<{ directory: string; file: string; remove: () => void }> {
  const directory = mkdtempSync(join(tmpdir(), 'flk-driver-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  const file = join(directory, 'driver.cjs');
  try {
    await bundleForTest({ driver: join(import.meta.dirname, 'driver.ts') }, directory);
  } catch (error) {
    remove();
    throw error;
  }
  return { directory, file, remove };
}

const run = (program: string, args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/** A network namespace of the test's. */
export interface Namespace {
  readonly name: string;
  /** Runs a command line in it; throws with its stderr when it fails. */
  sh(script: string): string;
  /** The same, but whether it succeeded. */
  ok(script: string): boolean;
}

/** Makes one, with its loopback up. */
export function makeNamespace(name: string): Namespace {
  run('ip', ['netns', 'add', name]);
  const words = (script: string) => [`--net=/run/netns/${name}`, 'sh', '-ec', script];
  const inside: Namespace = {
    name,
    sh: (script) => run('nsenter', words(script)),
    ok: (script) => spawnSync('nsenter', words(script)).status === 0,
  };
  inside.sh('ip link set lo up');
  return inside;
}

/** The agent's kernel half, running in a host's namespace. */
export interface Driver {
  readonly pid: number;
  ask(order: object): Promise<unknown>;
  create(config: BackendConfig, wish?: object): Promise<z.output<typeof created>>;
  start(): Promise<unknown>;
  program(peers: readonly Lease[]): Promise<z.output<typeof programmed>>;
  /** Ends the process the hard way. */
  kill(): Promise<void>;
}

export interface Host extends Namespace {
  readonly address: string;
  readonly subnet: string;
  readonly pod: Namespace;
  readonly podAddress: string;
  driver(): Driver;
}

export interface Lab {
  readonly hosts: readonly Host[];
  remove(): Promise<void>;
}

function startDriver(file: string, name: string, subnet: string): { driver: Driver; child: ChildProcess } {
  const child = spawn('nsenter', [`--net=/run/netns/${name}`, process.execPath, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  async function ask(order: object): Promise<unknown> {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the driver has ended');
    const json: unknown = JSON.parse(value);
    const parsed = answer.parse(json);
    if ('error' in parsed) throw new Error(parsed.error);
    return parsed.result;
  }
  const driver: Driver = {
    pid: child.pid ?? 0,
    ask,
    create: async (config, wish = {}) => created.parse(await ask({ do: 'create', config, wish })),
    start: () => ask({ do: 'start', network, own: cidr(subnet) }),
    program: async (peers) => programmed.parse(await ask({ do: 'program', peers })),
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
  return { driver, child };
}

let labs = 0;

/** Hosts 192.168.50.11, .12… with the subnets 10.5.1.0/24, 10.5.2.0/24… and a pod with the second address of each. */
export function makeLab(count: number, driverFile: string): Lab {
  labs += 1;
  const prefix = `flk-${process.pid}-${labs}`;
  const wire = makeNamespace(`${prefix}-wire`);
  wire.sh('ip link add br0 type bridge && ip link set br0 up');
  const names = [wire.name];
  const drivers: Driver[] = [];
  const hosts = Array.from({ length: count }, (_, index): Host => {
    const number = index + 1;
    const host = makeNamespace(`${prefix}-h${number}`);
    const pod = makeNamespace(`${prefix}-p${number}`);
    names.push(host.name, pod.name);
    const address = `192.168.50.${10 + number}`;
    const subnet = `10.5.${number}.0/24`;
    wire.sh(
      `ip link add h${number} type veth peer name eth0 netns ${host.name}; ip link set h${number} master br0 up`,
    );
    host.sh(`ip addr add ${address}/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.50.1`);
    host.sh(`ip link add pod0 type veth peer name eth0 netns ${pod.name}; ip link set pod0 up`);
    host.sh(`ip addr add 10.5.${number}.1/24 dev pod0`);
    pod.sh(
      `ip addr add 10.5.${number}.2/24 dev eth0; ip link set eth0 up; ip route add default via 10.5.${number}.1`,
    );
    return {
      ...host,
      address,
      subnet,
      pod,
      podAddress: `10.5.${number}.2`,
      driver() {
        const { driver } = startDriver(driverFile, host.name, subnet);
        drivers.push(driver);
        return driver;
      },
    };
  });
  return {
    hosts,
    async remove() {
      await Promise.all(drivers.map((driver) => driver.kill()));
      for (const name of names) {
        // A server that a failed test has left would keep the namespace.
        const left = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).stdout;
        for (const pid of left.split('\n').filter((line) => line !== '')) endProcess(Number(pid));
        spawnSync('ip', ['netns', 'delete', name]);
      }
    },
  };
}

/** vxlan as flannel has it when nothing is said. */
export const plainVxlan = {
  type: 'vxlan',
  vni: 1,
  port: 0,
  gbp: false,
  learning: false,
  directRouting: false,
  mtu: null,
} as const satisfies BackendConfig;

/** The lease that a host would have put into etcd. */
export const leaseOf = (
  host: Host,
  attributes: { BackendType?: string | undefined; BackendData?: unknown },
): Lease => ({
  subnet: cidr(host.subnet),
  publicIp: ipv4(host.address),
  backendType: attributes.BackendType ?? 'udp',
  backendData: attributes.BackendData,
});
