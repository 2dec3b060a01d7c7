// Builds parts of the desktop app as electron.vite.config.ts describes them.

import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resolveConfig } from 'electron-vite';
import { build } from 'vite';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, 'out');

/** Parts of earlier builds stay for a while: a page or an app that is open may load one yet. */
function removeOldFiles(directory, written) {
  if (!existsSync(directory)) return;
  const hourAgo = Date.now() - 3_600_000;
  for (const name of readdirSync(directory, { recursive: true })) {
    const path = join(directory, name);
    const file = statSync(path);
    if (file.isFile() && !written.has(path) && file.mtimeMs < hourAgo) rmSync(path);
  }
}

/** Whether something below these paths is newer than a stamp. Tests are no part of a build. */
function isOutdated(stamp, sources) {
  const built = statSync(join(out, stamp), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const isNewer = (path) => {
    const entry = statSync(path, { throwIfNoEntry: false });
    if (entry?.isDirectory()) return readdirSync(path).some((name) => isNewer(join(path, name)));
    return entry !== undefined && entry.mtimeMs > built && !/\.test\.tsx?$/.test(path);
  };
  return sources.some((source) => isNewer(join(root, source)));
}

/**
 * Builds some of `main`, `preload` and `renderer` for good; `stamp` is a file in out/ that becomes as old as the beginning: what
 * is edited meanwhile is newer than it, and is built next time. With `--if-outdated` on the command line nothing is done while no
 * source is newer. Sets the exit code and says why when it fails.
 */
export async function buildParts(names, stamp, sources) {
  const usual = ['contract', 'electron.vite.config.ts', 'package-lock.json', 'resources/build'];
  if (process.argv.includes('--if-outdated') && !isOutdated(stamp, [...usual, ...sources])) return;
  process.chdir(root);
  const began = join(out, `${stamp}.${process.pid}`);
  writeFileSync(began, '');
  try {
    const { config } = await resolveConfig({ root, logLevel: 'warn' }, 'build', 'production');
    for (const name of names) {
      const { outDir } = config[name].build;
      const results = [await build(config[name])].flat();
      const written = results.flatMap(({ output }) => output.map(({ fileName }) => join(outDir, fileName)));
      // Main and preload share a folder, whose few names do not change.
      if (name === 'renderer') removeOldFiles(outDir, new Set(written));
    }
    renameSync(began, join(out, stamp));
  } catch (error) {
    rmSync(began, { force: true });
    // A bundler's message has the place; its stack says nothing more.
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
