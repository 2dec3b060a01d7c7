import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OverlayHost, pings, type TestOverlay, type TrafficReport } from '../support/overlay.ts';
import { type BackendName, damages } from './damage.ts';
import { hostOf } from './overlays.ts';

/* Traffic between all pairs of three hosts while one random fault after the other happens, from a seeded list. */

/** What a process holds: resident memory in bytes, and open descriptors. */
export interface Footprint {
  readonly memory: number;
  readonly descriptors: number;
}
export interface SoakReport {
  readonly faults: readonly string[];
  readonly traffic: TrafficReport;
  /** Pairs of pods, such as "1-2", that don't reach each other in the end. */
  readonly unreachable: readonly string[];
  /** Of the first host's agent, which is never restarted: after the first faults, and in the end. */
  readonly before: Footprint;
  readonly after: Footprint;
}

/** mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function footprint(host: OverlayHost): Footprint {
  const status = readFileSync(`/proc/${host.pid()}/status`, 'utf8');
  return {
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024,
    descriptors: readdirSync(`/proc/${host.pid()}/fd`).length,
  };
}

/**
 * Runs for at least as many seconds on an overlay whose agents don't run yet; throws when what a fault broke does not heal
 * within half a minute.
 */
export async function soak(
  overlay: TestOverlay,
  type: BackendName,
  seconds: number,
  seed: number,
): Promise<SoakReport> {
  const { hosts } = overlay;
  const first = hostOf(overlay, 1);
  const random = randomNumbers(seed);
  const pick = <T>(from: readonly T[]): T => {
    const found = from[Math.floor(random() * from.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  };
  for (const host of hosts) host.start();
  for (const host of hosts) await overlay.ready(host);

  const restart = async (signal: 'SIGKILL' | 'SIGTERM') => {
    const host = pick(hosts.slice(1));
    await host.end(signal);
    await sleep(random() * 500);
    host.start();
  };
  const faults: readonly (readonly [string, () => Promise<void>])[] = [
    ['agent killed', () => restart('SIGKILL')],
    ['agent stopped', () => restart('SIGTERM')],
    [
      'etcd killed',
      async () => {
        await overlay.etcd().stop();
        await sleep(random() * 2000);
        await overlay.etcd().start();
      },
    ],
    [
      'etcd frozen',
      async () => {
        overlay.etcd().signal('SIGSTOP');
        await sleep(random() * 3000);
        overlay.etcd().signal('SIGCONT');
      },
    ],
    [
      'etcd cut off',
      async () => {
        overlay.setEtcdLink('down');
        await sleep(random() * 3000);
        overlay.setEtcdLink('up');
      },
    ],
    ['etcd empty', () => overlay.replaceEtcd()],
    ...damages
      .filter(({ types }) => types.includes(type))
      .map(
        ({ name, script }) =>
          [
            name,
            async () => {
              first.sh(script);
            },
          ] as const,
      ),
  ];
  const pairs = hosts.flatMap((from) =>
    hosts.filter((to) => to !== from).map((to) => ({ name: `${from.number}-${to.number}`, from, to })),
  );
  const unreachable = () => pairs.filter(({ from, to }) => !pings(from, to)).map(({ name }) => name);
  const happened: string[] = [];
  const traffic = await overlay.startTraffic(100);
  const deadline = Date.now() + seconds * 1000;
  let before: Footprint | null = null;
  while (Date.now() < deadline || before === null) {
    const [name, happen] = pick(faults);
    happened.push(name);
    await happen();
    await sleep(random() * 1500);
    await overlay.until(
      `healing of: ${happened.slice(-3).join(', ')}`,
      () => (unreachable().length === 0 ? true : null),
      30,
    );
    if (happened.length === 3) before = footprint(first);
  }
  for (const host of hosts) await overlay.ready(host);
  const report = await traffic.stop();
  return { faults: happened, traffic: report, unreachable: unreachable(), before, after: footprint(first) };
}
