import { copyFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { agentPlugins } from '../resources/build/agent.mjs';
import { esbuildPackages } from '../resources/build/packages.mjs';

const native = createRequire(import.meta.url).resolve(`@koromix/koffi-${process.platform}-${process.arch}`);

/**
 * Bundles programs for a test as the agent is bundled, each as one file `<name>.cjs` in a directory, with koffi's native
 * part beside it.
 */
export async function bundleForTest(
  entryPoints: Readonly<Record<string, string>>,
  directory: string,
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
    plugins: [esbuildPackages, ...agentPlugins],
  });
  copyFileSync(
    join(dirname(native), `${process.platform}_${process.arch}`, 'koffi.node'),
    join(directory, 'koffi.node'),
  );
}
