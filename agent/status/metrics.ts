import { readdirSync } from 'node:fs';
import type { AgentStatus } from '../../contract/agent.ts';

/** What this process uses. CPU is in seconds since its start, memory in bytes. */
interface ProcessUse {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** null where the system doesn't tell. */
  readonly openDescriptors: number | null;
}

export function readProcessUse(): ProcessUse {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    openDescriptors: countDescriptors(),
  };
}

function countDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const escapeLabel = (value: string): string =>
  value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

function formatSample(name: string, { value, labels = {} }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

/** One metric with its help; nothing when it has no samples. */
function family(type: 'counter' | 'gauge', name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map((sample) => formatSample(name, sample));
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const phases: readonly AgentStatus['phase'][] = ['starting', 'waiting', 'ready', 'stopping'];
const states: readonly AgentStatus['peers'][number]['state'][] = ['programmed', 'ignored', 'failed'];
const seconds = (time: string): number => Date.parse(time) / 1000;

function formatTraffic(traffic: AgentStatus['traffic']): string {
  if (traffic === null) return '';
  const directions = ['in', 'out'] as const;
  const perDirection = (key: 'packets' | 'bytes') =>
    directions.map((direction) => ({ value: traffic[direction][key], labels: { direction } }));
  const dropped = directions.flatMap((direction) =>
    Object.entries(traffic[direction].drops).map(([reason, value]) => ({
      value,
      labels: { direction, reason },
    })),
  );
  const perPeer = (key: 'Packets' | 'Bytes') =>
    traffic.peers.flatMap((peer) =>
      directions.map((direction) => ({
        value: peer[`${direction}${key}`],
        labels: { subnet: peer.subnet, direction },
      })),
    );
  return [
    family('counter', 'flatland_agent_packets_total', 'Packets carried.', perDirection('packets')),
    family('counter', 'flatland_agent_bytes_total', 'Bytes of packets carried.', perDirection('bytes')),
    family('counter', 'flatland_agent_dropped_packets_total', 'Packets not carried.', dropped),
    family('counter', 'flatland_agent_peer_packets_total', 'Packets by peer.', perPeer('Packets')),
    family('counter', 'flatland_agent_peer_bytes_total', 'Bytes by peer.', perPeer('Bytes')),
  ].join('');
}

/** The status as Prometheus reads it (text format 0.0.4). What isn't known yet, such as a lease, is left out. */
export function formatMetrics(status: AgentStatus, use: ProcessUse): string {
  const { version, backend, phase, etcd, lease, peers, repairs, mtu, passes } = status;
  const counts = states.map((state) => ({
    value: peers.filter((peer) => peer.state === state).length,
    labels: { state },
  }));
  const expiry = lease?.expiresAt ?? null;
  return [
    family('gauge', 'flatland_agent_info', 'What runs.', [
      { value: 1, labels: { version, backend: backend ?? '' } },
    ]),
    family(
      'gauge',
      'flatland_agent_phase',
      'Where the agent stands: 1 for one phase.',
      phases.map((name) => ({ value: Number(name === phase), labels: { phase: name } })),
    ),
    family('gauge', 'flatland_agent_ready', '1 when /readyz answers 200.', [
      { value: Number(phase === 'ready') },
    ]),
    family('gauge', 'flatland_agent_etcd_connected', '1 while etcd answers.', [
      { value: Number(etcd.connected) },
    ]),
    family('gauge', 'flatland_agent_etcd_since_seconds', 'Unix time of the last change of that.', [
      { value: seconds(etcd.since) },
    ]),
    family(
      'gauge',
      'flatland_agent_lease_expiry_seconds',
      'Unix time at which the lease ends.',
      expiry === null ? [] : [{ value: seconds(expiry) }],
    ),
    family('gauge', 'flatland_agent_mtu_bytes', 'MTU of the overlay.', mtu === null ? [] : [{ value: mtu }]),
    family('gauge', 'flatland_agent_peers', 'Leases of other hosts by state.', counts),
    family('counter', 'flatland_agent_repairs_total', 'Kernel state put back after others changed it.', [
      { value: repairs },
    ]),
    family('counter', 'flatland_agent_passes_total', 'Comparisons of the kernel with the leases.', [
      { value: passes.count },
    ]),
    family('counter', 'flatland_agent_pass_seconds_total', 'Time that those took.', [
      { value: passes.seconds },
    ]),
    family(
      'gauge',
      'flatland_agent_lease_lag_seconds',
      'From the arrival of the newest leases until they were programmed.',
      passes.lagSeconds === null ? [] : [{ value: passes.lagSeconds }],
    ),
    formatTraffic(status.traffic),
    family('gauge', 'process_start_time_seconds', 'Unix time of the start.', [
      { value: seconds(status.startedAt) },
    ]),
    family('counter', 'process_cpu_seconds_total', 'CPU time used.', [{ value: use.cpuSeconds }]),
    family('gauge', 'process_resident_memory_bytes', 'Memory in use.', [{ value: use.residentBytes }]),
    family(
      'gauge',
      'process_open_fds',
      'Open file descriptors.',
      use.openDescriptors === null ? [] : [{ value: use.openDescriptors }],
    ),
  ].join('');
}
