import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { machineSeconds, processSeconds } from './cpu.ts';
import type { Path } from './network.ts';
import { runIn, startIn } from './processes.ts';

const tcpReport = z.object({
  end: z.object({ sum_received: z.object({ bytes: z.number(), bits_per_second: z.number() }) }),
});
const udpReport = z.object({
  end: z.object({
    sum: z.object({ packets: z.number(), lost_packets: z.number(), seconds: z.number() }),
  }),
});

export async function startReceivers(paths: readonly Path[]): Promise<void> {
  for (const { to } of paths) startIn(to, ['iperf3', '-s']);
  await sleep(500);
}

const iperf = async ({ from, target }: Path, args: readonly string[]): Promise<unknown> =>
  JSON.parse(await runIn(from, ['iperf3', '-c', target, '-J', ...args]));

export interface Tcp {
  /** Gbit/s as the receiver saw it. */
  readonly rate: number;
  /** Seconds of all processors, and of the agents of both hosts, for each GB (10⁹ bytes) that arrived. */
  readonly machine: number;
  readonly agents: number;
}

export async function measureTcp(path: Path, flows: number, seconds: number): Promise<Tcp> {
  const agents = () => path.agents.reduce((sum, agent) => sum + processSeconds(agent.pid()), 0);
  const before = { machine: machineSeconds(), agents: agents() };
  const report = tcpReport.parse(await iperf(path, ['-t', String(seconds), '-P', String(flows)]));
  const gigabytes = report.end.sum_received.bytes / 1e9;
  return {
    rate: report.end.sum_received.bits_per_second / 1e9,
    machine: (machineSeconds() - before.machine) / gigabytes,
    agents: (agents() - before.agents) / gigabytes,
  };
}

export const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((one, other) => one - other)[
    Math.max(0, Math.min(values.length - 1, Math.ceil(values.length * part) - 1))
  ] ?? Number.NaN;

/** Microseconds there and back, of pings two milliseconds apart. */
export async function measureRtt({ from, target }: Path, count: number) {
  const text = await runIn(from, ['ping', '-i', '0.002', '-c', String(count), target]);
  const times = [...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time) * 1000);
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

const payload = 1400;
const mostLoss = 0.01;

/** Packets per second of 1,400 bytes that arrive while less than 1 % is lost, searched by halving. */
export async function measureUdp(path: Path, seconds: number, steps: number): Promise<number> {
  const attempt = async (packetsPerSecond: number) => {
    const bits = Math.round(packetsPerSecond * payload * 8);
    const args = ['-u', '-l', String(payload), '-t', String(seconds), '-w', '2M', '-b', String(bits)];
    const { sum } = udpReport.parse(await iperf(path, args)).end;
    const arrived = (sum.packets - sum.lost_packets) / sum.seconds;
    return { sent: sum.packets / sum.seconds, arrived, good: sum.lost_packets < sum.packets * mostLoss };
  };
  // 0: as many as the sender can.
  const most = await attempt(0);
  if (most.good) return most.arrived;
  let [low, high, best] = [0, most.sent, 0];
  let next = Math.min(most.arrived, most.sent / 2);
  for (let step = 0; step < steps; step += 1) {
    const tried = await attempt(next);
    if (tried.good) {
      best = Math.max(best, tried.arrived);
      low = next;
    } else high = next;
    next = (low + high) / 2;
  }
  return best;
}
