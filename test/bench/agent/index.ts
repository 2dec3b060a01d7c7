import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSystem, type System } from '../../../agent/kernel/native.ts';
import { openTestServiceManager, type TestServiceManager } from '../../../agent/test-service-manager.ts';
import { processMemory, processSeconds } from './cpu.ts';
import { type LeaseTimes, measureLeases } from './lease.ts';
import { makePath, type Path, type PathKind, pathKinds } from './network.ts';
import { removeAll } from './processes.ts';
import { type Idle, type PathFigures, print, type Results, toJson } from './report.ts';
import { type Blow, type Loss, measureLoss } from './restart.ts';
import { measureScale, type Scale } from './scale.ts';
import { measureRtt, measureTcp, measureUdp, startReceivers } from './traffic.ts';

/** How much is measured; times are seconds. */
interface Effort {
  readonly rounds: number;
  readonly tcpSeconds: number;
  readonly pings: number;
  readonly udpRounds: number;
  readonly udpSteps: number;
  readonly idleSeconds: number;
  readonly leases: number;
  readonly scaleRounds: number;
  readonly lossRounds: number;
}
const full: Effort = {
  rounds: 5,
  tcpSeconds: 3,
  pings: 2000,
  udpRounds: 3,
  udpSteps: 6,
  idleSeconds: 30,
  leases: 100,
  scaleRounds: 3,
  lossRounds: 3,
};
const quick: Effort = {
  rounds: 3,
  tcpSeconds: 1,
  pings: 500,
  udpRounds: 1,
  udpSteps: 4,
  idleSeconds: 10,
  leases: 50,
  scaleRounds: 1,
  lossRounds: 1,
};
const lossSeconds = 5;
const sizes = [10, 100, 1000, 4000];
const restarted: readonly PathKind[] = ['vxlan', 'host-gw', 'udp'];

const began = performance.now();
const say = (text: string) =>
  console.error(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${text}`);

const noFigures = (): PathFigures => ({
  tcp1: [],
  tcp8: [],
  rtt50: [],
  rtt99: [],
  udp: [],
  machine: [],
  agents: [],
});

/** Measures every path once in each round, so that what disturbs the machine disturbs all of them. */
async function measurePaths(paths: readonly Path[], effort: Effort) {
  const figures = new Map(paths.map(({ kind }) => [kind, noFigures()]));
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const path of paths) {
      const of = figures.get(path.kind) ?? noFigures();
      const one = await measureTcp(path, 1, effort.tcpSeconds);
      const eight = await measureTcp(path, 8, effort.tcpSeconds);
      const { p50, p99 } = await measureRtt(path, effort.pings);
      of.tcp1.push(one.rate);
      of.tcp8.push(eight.rate);
      of.machine.push(one.machine);
      of.agents.push(one.agents);
      of.rtt50.push(p50);
      of.rtt99.push(p99);
    }
    say(`TCP and RTT, round ${round + 1} of ${effort.rounds}`);
  }
  for (let round = 0; round < effort.udpRounds; round += 1) {
    for (const path of paths) figures.get(path.kind)?.udp.push(await measureUdp(path, 1, effort.udpSteps));
    say(`UDP, round ${round + 1} of ${effort.udpRounds}`);
  }
  return figures;
}

async function measureIdle(paths: readonly Path[], seconds: number) {
  const pids = paths.flatMap(({ kind, agents }) =>
    agents.slice(0, 1).map((agent) => ({ kind, pid: agent.pid() })),
  );
  const before = pids.map(({ pid }) => processSeconds(pid));
  await sleep(seconds * 1000);
  return new Map(
    pids.map(({ kind, pid }, index): [PathKind, Idle] => [
      kind,
      { processor: ((processSeconds(pid) - (before[index] ?? 0)) / seconds) * 100, ...processMemory(pid) },
    ]),
  );
}

/** What fails is told and left out; it costs nothing of what else was measured. */
async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    say(what);
  } catch (error) {
    say(`${what}: FAILED, ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

async function measureLosses(
  losses: Map<PathKind, Map<Blow, Loss[]>>,
  paths: readonly Path[],
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    for (const path of paths)
      for (const blow of ['none', 'restart', 'kill'] as const) {
        const ofPath = losses.get(path.kind) ?? new Map<Blow, Loss[]>();
        losses.set(path.kind, ofPath);
        await attempt(`${path.kind}, ${blow}`, async () => {
          ofPath.set(blow, [...(ofPath.get(blow) ?? []), await measureLoss(path, blow, lossSeconds)]);
        });
      }
}

/** koffi looks for its native part where Electron has its resources; the agent's is put there. */
async function loadBundledSystem(directory: string): Promise<System> {
  const place = join(directory, 'koffi', `${process.platform}_${process.arch}`);
  mkdirSync(place, { recursive: true });
  copyFileSync(fileURLToPath(new URL('./agent/koffi.node', import.meta.url)), join(place, 'koffi.node'));
  Object.assign(process, { resourcesPath: directory });
  return loadSystem();
}

async function measureAll(directory: string, effort: Effort): Promise<Results> {
  const system = await loadBundledSystem(directory);
  const managers: TestServiceManager[] = [];
  // The agents' service manager has to take what it is told, or they would wait for it.
  const draining = setInterval(() => {
    for (const manager of managers) manager.told();
  }, 200);
  const manage = (files: string) => {
    const manager = openTestServiceManager(system, join(files, 'notify'));
    managers.push(manager);
    return manager;
  };
  const paths: Path[] = [];
  try {
    for (const kind of pathKinds) paths.push(await makePath(kind, directory, manage));
    say('every path carries packets');
    await startReceivers(paths);
    await sleep(2000);
    const idle = await measureIdle(paths, effort.idleSeconds);
    say('idle agents');
    const figures = await measurePaths(paths, effort);
    const leases = new Map<PathKind, LeaseTimes>();
    const chosen = paths.filter(({ kind }) => restarted.includes(kind));
    const losses = new Map<PathKind, Map<Blow, Loss[]>>();
    // Before the leases, which stay: a restart has the peers that it had.
    await measureLosses(losses, chosen, effort.lossRounds);
    for (const path of chosen)
      await attempt(`new leases, ${path.kind}`, async () => {
        leases.set(path.kind, await measureLeases(path, effort.leases));
      });
    for (const path of paths) for (const agent of path.agents) await agent.end('SIGKILL');
    for (const path of paths) await path.remove();
    const scale: Scale[][] = sizes.map(() => []);
    for (let round = 0; round < effort.scaleRounds; round += 1)
      for (const [index, size] of sizes.entries())
        await attempt(`start with ${size} peers`, async () => {
          scale[index]?.push(await measureScale(size, directory));
        });
    return { paths: figures, idle, leases, scale, losses };
  } finally {
    clearInterval(draining);
    for (const manager of managers) manager.close();
  }
}

/**
 * The agent as a process in network namespaces, beside the kernel's own means, as one table. `--quick` measures less;
 * `--json FILE` writes every value of every round.
 */
export async function benchAgent(args: readonly string[]): Promise<void> {
  const effort = args.includes('--quick') ? quick : full;
  const directory = mkdtempSync(join(tmpdir(), 'fl-bench-agent-'));
  // Whatever else puts files aside, such as an etcd, does it there.
  process.env['TMPDIR'] = directory;
  const clean = () => {
    removeAll();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      clean();
      process.exit(130);
    });
  const [load = 0] = loadavg();
  if (load > 0.5)
    say(`the machine is busy with something else, load ${load.toFixed(1)}: figures will be off`);
  try {
    const results = await measureAll(directory, effort);
    console.log(
      `${availableParallelism()} processors, Linux ${release()}, Node ${process.version}, medians of ${effort.rounds} rounds, one run\n`,
    );
    print(results);
    const at = args.indexOf('--json');
    const file = at < 0 ? undefined : args[at + 1];
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(toJson(results), null, 2)}\n`);
  } finally {
    clean();
  }
}
