import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';

/** As in the build of the agent: koffi is its native part, beside the bundle. */
const koffiBeside: Plugin = {
  name: 'koffi-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^koffi(\/indirect)?$/ }, () => ({ path: './koffi.node', external: true }));
  },
};

const native = createRequire(import.meta.url).resolve(`@koromix/koffi-${process.platform}-${process.arch}`);

/**
 * Bundles programs for a test as the agent is bundled, each as one file `<name>.cjs` in a directory, with koffi's native
 * part beside it. `external` are packages that are found through NODE_PATH instead.
 */
export async function bundleForTest(
  entryPoints: Readonly<Record<string, string>>,
  directory: string,
  external: readonly string[] = [],
): Promise<void> {
  await build({
    entryPoints: { ...entryPoints },
    outdir: directory,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
    external: [...external],
    plugins: [koffiBeside],
  });
  copyFileSync(
    join(dirname(native), `${process.platform}_${process.arch}`, 'koffi.node'),
    join(directory, 'koffi.node'),
  );
}

/** etcd3 reads a file beside its own, so an agent's bundle leaves it out. */
export const besideAgent = ['etcd3', 'cockatiel'];
