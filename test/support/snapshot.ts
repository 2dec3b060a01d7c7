import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a lab could leave on this machine: one sorted list of lines a kind. */
export interface Snapshot {
  readonly processes: string[];
  readonly mounts: string[];
  readonly links: string[];
  readonly routes: string[];
  readonly rules: string[];
  readonly files: string[];
}

/** Paths below a folder; folders that processes of this machine come and go in are left to `processes`. */
function tree(directory: string, depth: number): string[] {
  if (depth === 0) return [];
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      return [path, ...(entry.isDirectory() ? tree(path, depth - 1) : [])];
    });
  } catch {
    return [];
  }
}

const lines = (program: string, args: string[]): string[] => {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
  } catch {
    return [];
  }
};

/** Programs that hosts are made of, and ours; others of this machine may come and go meanwhile. */
const ours =
  /systemd|dockerd|containerd|docker-proxy|etcd|sshd|agent\.cjs|sandbox-root|cli\.js|nsenter|unshare|busybox|\/bin\/serve/;

function processes(): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((entry) => {
      try {
        const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
        // The program and its script; what a shell or an editor was told may name anything.
        return ours.test(words.slice(0, 2).join(' ')) ? [words.join(' ').trim()] : [];
      } catch {
        return [];
      }
    });
}

/** Takes the picture of this machine, and of a state directory, that a lab must not change for good. */
export function takeSnapshot(state: string): Snapshot {
  // What the agent's own tests make is named so; they may run beside.
  const sorted = (list: string[]) =>
    list.filter((line) => line !== '' && !/fl[kt]-|--name=test /.test(line)).sort();
  return {
    processes: sorted(processes()),
    mounts: sorted(
      readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .map((line) => line.split(' ').slice(3, 6).join(' ')),
    ),
    links: sorted(lines('ip', ['-brief', 'link']).map((line) => line.split(/\s+/)[0] ?? '')),
    routes: sorted(lines('ip', ['route', 'show', 'table', 'all'])),
    rules: sorted(
      [...lines('iptables-save', []), ...lines('ip', ['rule'])].filter((line) => !line.startsWith('#')),
    ),
    files: sorted([
      ...tree('/run', 4).filter((path) => !path.startsWith('/run/user/')),
      ...tree('/var/lib/flatland', 4),
      ...tree('/var/lib/docker', 2),
      ...tree('/etc/systemd/system', 2),
      ...tree('/sys/fs/cgroup', 4).filter((path) => /flatland|docker/.test(path)),
      ...tree(join(state, 'flatland'), 4).filter((path) => !/flatland\.log$|web\.key$/.test(path)),
      ...readdirSync('/tmp').filter((name) => /nspawn|flatland/.test(name)),
    ]),
  };
}

/** What differs from an earlier picture, a line each: `+` for what has come, `-` for what has gone. */
export function changesSince(before: Snapshot, state: string): string[] {
  const after = takeSnapshot(state);
  const kinds = ['processes', 'mounts', 'links', 'routes', 'rules', 'files'] as const;
  return kinds.flatMap((kind) => [
    ...after[kind].filter((line) => !before[kind].includes(line)).map((line) => `+ ${kind}: ${line}`),
    ...before[kind].filter((line) => !after[kind].includes(line)).map((line) => `- ${kind}: ${line}`),
  ]);
}
