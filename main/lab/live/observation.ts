import { z } from 'zod';
import type { NetworkLink } from '../../../contract/live.ts';
import { dockerOptionsFile } from '../../provision/agent.ts';
import { statusUnits } from '../inspect.ts';

/** An interface of a host with its counters since it was made. */
export interface ObservedLink extends Omit<NetworkLink, 'role'> {
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly drops: number;
}

/** What one look at a host saw. Times of processors are in seconds since the host, or the machine, was started. */
export interface Observation {
  /** Seconds on a clock that no one sets. */
  readonly monotonic: number;
  /** When the host's first process began, on that clock: another one after every boot. */
  readonly firstProcess: number;
  readonly bootedAt: string;
  readonly kernel: string;
  readonly processors: number;
  /** Processor time of the host's own processes. */
  readonly cpu: number | null;
  /** Processor time of the machine, all of it and what its hypervisor gave to others. */
  readonly machine: { readonly total: number; readonly steal: number };
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly units: readonly string[];
  readonly dockerOptions: string;
  readonly links: readonly ObservedLink[];
}

/** What ends each look; no program of the script prints such a line. */
export const endOfLook = '--- end of look';
const partMark = '--- ';

const files = {
  stat: '/proc/stat',
  uptime: '/proc/uptime',
  first: '/proc/1/stat',
  kernel: '/proc/sys/kernel/osrelease',
  machineMemory: '/proc/meminfo',
  options: dockerOptionsFile,
  // A host's own control group, of version 2 and of version 1 (cgroups(7)).
  cpu2: '/sys/fs/cgroup/cpu.stat',
  memory2: '/sys/fs/cgroup/memory.current',
  limit2: '/sys/fs/cgroup/memory.max',
  details2: '/sys/fs/cgroup/memory.stat',
  cpu1: '/sys/fs/cgroup/cpuacct/cpuacct.usage',
  memory1: '/sys/fs/cgroup/memory/memory.usage_in_bytes',
  limit1: '/sys/fs/cgroup/memory/memory.limit_in_bytes',
  details1: '/sys/fs/cgroup/memory/memory.stat',
};

const wanted = [
  'cpu',
  'btime ',
  '[0-9]',
  'MemTotal:',
  'MemAvailable:',
  'usage_usec ',
  'max$',
  '(total_)?inactive_file ',
  'DOCKER_OPTS',
];

/**
 * A POSIX shell script that looks at its host whenever it reads a line, and ends with its stdin. It stays, so that a look costs
 * three small programs and no login. grep(1) names the file of each line, and says nothing of files that are not there.
 */
export const observationScript = `export LC_ALL=C
while read -r _; do
  echo '${partMark}files'
  grep -sHE '^(${wanted.join('|')})' ${Object.values(files).join(' ')}
  echo '${partMark}units'
  systemctl is-active ${statusUnits.join(' ')}
  echo '${partMark}links'
  ip -j -s addr 2>/dev/null
  echo
  echo '${endOfLook}'
done`;

/** USER_HZ: the kernel shows times to programs in hundredths of a second (proc(5)), on all its usual architectures. */
const ticksPerSecond = 100;

const interfaces = z.array(
  z.object({
    ifname: z.string(),
    flags: z.array(z.string()),
    mtu: z.int(),
    operstate: z.string(),
    address: z.string().optional(),
    addr_info: z.array(z.object({ local: z.string(), prefixlen: z.int() })),
    stats64: z.object({
      rx: z.object({ bytes: z.number(), dropped: z.number() }),
      tx: z.object({ bytes: z.number(), dropped: z.number() }),
    }),
  }),
);

const linksOf = (text: string): ObservedLink[] =>
  interfaces.parse(JSON.parse(text)).map((entry) => ({
    name: entry.ifname,
    flags: entry.flags,
    operationalState: entry.operstate,
    mtu: entry.mtu,
    hardwareAddress: entry.address ?? null,
    addresses: entry.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    receivedBytes: entry.stats64.rx.bytes,
    sentBytes: entry.stats64.tx.bytes,
    drops: entry.stats64.rx.dropped + entry.stats64.tx.dropped,
  }));

/** The lines of each file that grep(1) named. */
function linesByFile(text: string): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    const path = line.slice(0, colon);
    if (colon > 0) lines.set(path, [...(lines.get(path) ?? []), line.slice(colon + 1)]);
  }
  return lines;
}

const whole = (text: string | undefined): number | null =>
  text !== undefined && /^\d+$/.test(text.trim()) ? Number(text.trim()) : null;

/** Seconds with fractions, such as the first word of /proc/uptime. */
function seconds(text: string | undefined): number {
  const value = Number(text?.split(' ')[0]);
  if (text === undefined || !Number.isFinite(value)) throw new Error('the host does not say its uptime');
  return value;
}

function memoryOf(lines: (path: string) => readonly string[]): {
  used: number | null;
  limit: number | null;
} {
  const kibibytes = (name: string) => {
    const line = lines(files.machineMemory).find((entry) => entry.startsWith(`${name}:`));
    const value = whole(line?.split(/\s+/)[1]);
    return value === null ? null : value * 1024;
  };
  const total = kibibytes('MemTotal');
  const available = kibibytes('MemAvailable');
  const usage = whole(lines(files.memory2)[0]) ?? whole(lines(files.memory1)[0]);
  if (usage === null)
    return { used: total === null || available === null ? null : total - available, limit: total };
  const details = [...lines(files.details2), ...lines(files.details1)].map((line) => line.split(' '));
  const idle = (name: string) => whole(details.find(([key]) => key === name)?.[1]);
  // Files that nobody used lately are given up before memory is short, so they do not count (docker stats does the same).
  const used = Math.max(0, usage - (idle('total_inactive_file') ?? idle('inactive_file') ?? 0));
  const limit = whole(lines(files.limit2)[0]) ?? whole(lines(files.limit1)[0]);
  return { used, limit: limit === null || total === null ? (limit ?? total) : Math.min(limit, total) };
}

function cpuOf(lines: (path: string) => readonly string[], words: readonly number[]): number | null {
  const microseconds = whole(
    lines(files.cpu2)
      .find((line) => line.startsWith('usage_usec '))
      ?.split(' ')[1],
  );
  const nanoseconds = whole(lines(files.cpu1)[0]);
  if (nanoseconds !== null) return nanoseconds / 1e9;
  if (microseconds !== null) return microseconds / 1e6;
  // A machine of its own: what was neither idle nor waiting nor stolen.
  const [user = 0, nice = 0, system = 0, , , interrupt = 0, softInterrupt = 0] = words;
  return words.length < 8 ? null : (user + nice + system + interrupt + softInterrupt) / ticksPerSecond;
}

/** Reads what the script printed at one look. Throws for what it cannot have printed. Pure. */
export function parseObservation(text: string): Observation {
  const parts = new Map(
    text.split(/^--- /m).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)] as const;
    }),
  );
  const found = linesByFile(parts.get('files') ?? '');
  const lines = (path: string): readonly string[] => found.get(path) ?? [];
  const processorLines = lines(files.stat).filter((line) => line.startsWith('cpu'));
  const machine = (processorLines[0] ?? '').trim().split(/\s+/).slice(1).map(Number);
  const beganAt = whole(
    lines(files.stat)
      .find((line) => line.startsWith('btime '))
      ?.slice(6),
  );
  // The name of a program may have spaces and brackets in it; what follows it has none (proc(5)).
  const first = lines(files.first)[0] ?? '';
  const began = whole(first.slice(first.lastIndexOf(')') + 2).split(' ')[19]);
  if (beganAt === null || began === null) throw new Error('the host does not say when it was started');
  const memory = memoryOf(lines);
  return {
    monotonic: seconds(lines(files.uptime)[0]),
    firstProcess: began / ticksPerSecond,
    bootedAt: new Date((beganAt + began / ticksPerSecond) * 1000).toISOString(),
    kernel: lines(files.kernel)[0] ?? '',
    processors: processorLines.length - 1,
    cpu: cpuOf(lines, machine),
    machine: {
      total: machine.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0) / ticksPerSecond,
      steal: (machine[7] ?? 0) / ticksPerSecond,
    },
    memoryBytes: memory.used,
    memoryLimitBytes: memory.limit,
    units: (parts.get('units') ?? '').trim().split('\n'),
    dockerOptions: lines(files.options).join('\n'),
    links: linksOf(parts.get('links') ?? ''),
  };
}
