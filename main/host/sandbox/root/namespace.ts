import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { command } from './command.ts';

const mounted = async (path: string): Promise<boolean> =>
  (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').some((line) => line.split(' ')[4] === path);

/** Makes a network namespace that stays while its bind mount at `path` does (unshare(1)). Answers false when it was there. */
export async function makeNamespace(path: string): Promise<boolean> {
  if (await mounted(path)) return false;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, '');
  await command('unshare', [`--net=${path}`, 'ip', 'link', 'set', 'lo', 'up']);
  return true;
}

export async function removeNamespace(path: string): Promise<void> {
  if (!existsSync(path)) return;
  while (await mounted(path)) await command('umount', ['--lazy', path]);
  await rm(path, { force: true });
}
