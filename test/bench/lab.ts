import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineName } from '../../main/host/sandbox/paths.ts';
import { readRecord } from '../../main/lab/state.ts';
import { type Chain, measureChain } from './chain.ts';
import { flatland, median, timed } from './timing.ts';

const sizes = [1, 3, 5, 8];
const rounds = 3;

/** MiB of memory of a host's processes, without the page cache, from its control group (cgroups(7)). */
function hostMemory(machine: string): number {
  const files = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].map((top) => join(top, machine, 'memory.stat'));
  const file = files.find((path) => existsSync(path));
  if (file === undefined) return 0;
  const bytes = /^(?:total_rss|anon) (\d+)$/m.exec(readFileSync(file, 'utf8'))?.[1];
  return Number(bytes ?? 0) / 1_048_576;
}

interface Row {
  readonly hosts: number;
  readonly up: number;
  readonly down: number;
  readonly memory: number;
}

async function measureLab(hosts: number): Promise<Row> {
  const name = `bench-${hosts}`;
  const ups: number[] = [];
  const downs: number[] = [];
  const memory: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    ups.push(await timed(flatland, ['up', '--hosts', String(hosts), '--name', name, '--json']));
    const record = await readRecord(name);
    for (const host of record?.lab.hosts ?? [])
      memory.push(hostMemory(machineName(record?.lab.id ?? '', host.name)));
    downs.push(await timed(flatland, ['down', name, '--json']));
  }
  return { hosts, up: median(ups), down: median(downs), memory: median(memory) };
}

function print(rows: readonly Row[], chain: Chain): void {
  const total = chain.boot + chain.quorum + chain.docker + chain.container;
  const seconds = (value: number) => `${value.toFixed(2)} s`.padStart(9);
  console.log(`\n${availableParallelism()} processors, medians of ${rounds} rounds, one run`);
  console.log('\nhosts       up     down   memory a host   up / chain');
  for (const { hosts, up, down, memory } of rows) {
    const cells = [seconds(up), seconds(down), `${memory.toFixed(0)} MiB`.padStart(15)];
    console.log(`${String(hosts).padStart(5)}${cells.join('')}${(up / total).toFixed(2).padStart(13)}`);
  }
  console.log('\nthe chain that nobody can avoid, each link measured alone');
  const links = {
    'host boot': chain.boot,
    'etcd quorum': chain.quorum,
    dockerd: chain.docker,
    container: chain.container,
  };
  for (const [link, value] of Object.entries(links)) console.log(`${link.padEnd(14)}${seconds(value)}`);
  console.log(`${'together'.padEnd(14)}${seconds(total)}`);
}

/** Seconds from the command to the last green cell and back, beside the chain that nobody can avoid. */
export async function benchLab(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), 'fl-bench-'));
  process.env['XDG_STATE_HOME'] = state;
  try {
    const chains: Chain[] = [];
    const rows: Row[] = [];
    for (let round = 0; round < rounds; round += 1) chains.push(await measureChain());
    for (const hosts of sizes) {
      rows.push(await measureLab(hosts));
      console.log(`measured ${hosts} ${hosts === 1 ? 'host' : 'hosts'}`);
    }
    const of = (link: keyof Chain) => median(chains.map((chain) => chain[link]));
    print(rows, { boot: of('boot'), quorum: of('quorum'), docker: of('docker'), container: of('container') });
  } finally {
    for (const name of existsSync(join(state, 'flatland', 'labs'))
      ? readdirSync(join(state, 'flatland', 'labs'))
      : [])
      await timed(flatland, ['down', name, '--json']).catch(() => {});
    rmSync(state, { recursive: true, force: true });
  }
}
