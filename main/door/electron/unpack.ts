import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** What root and hosts run: they need to read it, and to find it there when the app has ended. */
const parts = ['node', 'sandbox-root.cjs', 'agent'];

/**
 * Copies what root and hosts run out of an AppImage, once for each version, and gives the directory that has it. An AppImage is
 * mounted for its user alone and only while it runs: neither root nor a host that outlives the app can read it.
 */
export function unpackResources(resources: string, state: string, version: string): string {
  const target = join(state, `app-${version}`);
  if (existsSync(target)) return target;
  const unfinished = `${target}.${process.pid}`;
  try {
    mkdirSync(unfinished, { recursive: true, mode: 0o755 });
    for (const part of parts) cpSync(join(resources, part), join(unfinished, part), { recursive: true });
    renameSync(unfinished, target);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another instance may have been quicker.
    if (!existsSync(target)) throw error;
  }
  return target;
}
