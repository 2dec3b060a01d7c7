import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';

const mountPoint = '/sys/fs/cgroup';

/** Version 2 alone (cgroup.controllers at the top), or version 1 with or without the hybrid hierarchy beside it. */
export type Hierarchy =
  | { readonly version: 2; readonly paths: string[] }
  | { readonly version: 1; readonly paths: string[] };

/** The control groups of a machine: one path on version 2, one for each hierarchy on version 1 (cgroups(7)). */
async function controlGroups(machine: string): Promise<Hierarchy> {
  if (existsSync(`${mountPoint}/cgroup.controllers`))
    return { version: 2, paths: [`${mountPoint}/${machine}`] };
  const entries = await readdir(mountPoint, { withFileTypes: true }).catch(() => []);
  const hierarchies = entries.filter(
    (entry) => entry.isDirectory() && existsSync(`${mountPoint}/${entry.name}/cgroup.procs`),
  );
  return { version: 1, paths: hierarchies.map((entry) => `${mountPoint}/${entry.name}/${machine}`) };
}

/** Makes the machine's control groups and sets its memory limit. The machine moves itself into `paths` before it starts. */
export async function makeControlGroups(machine: string, memoryMebibytes: number | null): Promise<Hierarchy> {
  const groups = await controlGroups(machine);
  if (groups.version === 2) {
    const available = (await readFile(`${mountPoint}/cgroup.controllers`, 'utf8')).trim().split(/\s+/);
    for (const controller of available.filter((name) => name !== '')) {
      // A controller that cannot be delegated (rt, misc on some kernels) is not needed by Docker.
      await writeFile(`${mountPoint}/cgroup.subtree_control`, `+${controller}`).catch(() => {});
    }
  }
  for (const path of groups.paths) {
    await mkdir(path, { recursive: true });
    if (existsSync(`${path}/cpuset.cpus`) && groups.version === 1) {
      // A cpuset of version 1 accepts no process until it names processors and memory nodes.
      const parent = path.slice(0, path.lastIndexOf('/'));
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        await writeFile(`${path}/${file}`, await readFile(`${parent}/${file}`, 'utf8'));
    }
    if (memoryMebibytes !== null) {
      const limit = groups.version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
      if (existsSync(`${path}/${limit}`))
        await writeFile(`${path}/${limit}`, String(memoryMebibytes * 1024 * 1024));
    }
  }
  return groups;
}

/** Process ids in a group and in all below it. */
async function processesBelow(path: string): Promise<number[]> {
  const [own, children] = await Promise.all([
    readFile(`${path}/cgroup.procs`, 'utf8').catch(() => ''),
    readdir(path, { withFileTypes: true }).catch(() => []),
  ]);
  const below = children.filter((child) => child.isDirectory());
  const nested = await Promise.all(below.map((child) => processesBelow(`${path}/${child.name}`)));
  // A process that this namespace cannot see is listed as 0, which would mean ourselves to kill(2).
  const pids = own.split('\n').map(Number);
  return [...pids.filter((pid) => pid > 1 && pid !== process.pid), ...nested.flat()];
}

/** Ends every process that is left in a machine's groups: a machine whose supervisor was killed goes on without it. */
export async function endProcesses(machine: string): Promise<void> {
  const groups = await controlGroups(machine);
  const deadline = Date.now() + 15_000;
  for (;;) {
    const found = new Set((await Promise.all(groups.paths.map(processesBelow))).flat());
    if (found.size === 0) return;
    if (Date.now() > deadline)
      throw new Error(`processes of ${machine} did not end within 15 s of SIGKILL: ${[...found].join(' ')}`);
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function removeTree(path: string): Promise<void> {
  const children = await readdir(path, { withFileTypes: true }).catch(() => []);
  for (const child of children) if (child.isDirectory()) await removeTree(`${path}/${child.name}`);
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** Removes the groups bottom up. The kernel keeps a group busy for some milliseconds after its last process. */
export async function removeControlGroups(machine: string): Promise<void> {
  const groups = await controlGroups(machine);
  for (const path of groups.paths) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await removeTree(path);
        break;
      } catch (error) {
        if (attempt >= 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}
