import { readdirSync, readFileSync } from 'node:fs';

/** Ticks of /proc/stat in a second (USER_HZ). */
const ticksPerSecond = 100;

/** Seconds that all processors of the machine were busy since the boot: all but idle, waiting and stolen time (proc(5)). */
export function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user = 0, nice = 0, system = 0, , , hard = 0, soft = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + hard + soft) / ticksPerSecond;
}

/** Seconds on a processor of all present threads of a process, in nanosecond steps. */
export function processSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0] ?? 0),
  );
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9;
}

/** MB (10⁶ bytes) of memory of a process: resident, and of that what no file backs. */
export function processMemory(pid: number): { resident: number; anonymous: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (name: string) =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024) / 1e6;
  return { resident: of('VmRSS'), anonymous: of('RssAnon') };
}
