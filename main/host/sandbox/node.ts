import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { failure } from '../../failure.ts';

/** Where a process runs, as far as it matters for what other programs it starts. */
export interface Runtime {
  readonly execPath: string;
  readonly versions: { readonly electron?: string | undefined };
  readonly resourcesPath?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

const canRun = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Where a packaged desktop app keeps what is not in its archive, or a copy that outlives it; undefined in every other door. */
export const resourcesDirectory = (runtime: Runtime = process): string | undefined =>
  runtime.env['FLATLAND_RESOURCES'] ?? runtime.resourcesPath;

/** The first program of that name on the PATH; null when there is none. */
export function findProgram(name: string, environment: NodeJS.ProcessEnv = process.env): string | null {
  const directories = (environment['PATH'] ?? '').split(delimiter).filter((each) => each.startsWith('/'));
  return directories.map((directory) => join(directory, name)).find(canRun) ?? null;
}

/**
 * The Node for what runs outside of this process: the root program, and the agent inside of sandbox hosts. Electron is none:
 * in the desktop app it is the one that the package brings, else the one that started the app, else the one on the PATH.
 * Throws `package-missing` when there is none.
 */
export function nodeProgram(runtime: Runtime = process): string {
  if (runtime.versions.electron === undefined) return runtime.execPath;
  const resources = resourcesDirectory(runtime);
  const brought = resources === undefined ? [] : [join(resources, 'node')];
  const starter = runtime.env['FLATLAND_NODE'];
  const found =
    [...brought, ...(starter === undefined ? [] : [starter])].find(canRun) ??
    findProgram('node', runtime.env);
  if (found !== null) return found;
  throw failure(
    'package-missing',
    'Sandbox hosts need Node 20.19 or newer on this machine, and there is none.',
  );
}
