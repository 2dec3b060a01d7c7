// How the agent is bundled, the same for the build and for tests.

import { resolve } from 'node:path';
import { build } from 'esbuild';

/** The bundled agent has the native part of koffi beside it and needs nothing else of koffi. */
const koffiBeside = {
  name: 'koffi-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^koffi(\/indirect)?$/ }, () => ({ path: './koffi.node', external: true }));
  },
};

const suffix = '?source';
const namespace = 'worker-source';

/** A worker that runs a text has no file of its own; packages are beside the program that has started it. */
const withRequire = (text) =>
  `((require) => {${text}})(require('node:module').createRequire(require('node:worker_threads').workerData.program));`;

/**
 * `import text from './worker.ts?source'`: a program for a worker as the text of one script. A thread that ran the whole
 * bundle instead would take twice the memory.
 */
const workerSource = {
  name: namespace,
  setup({ onResolve, onLoad, initialOptions }) {
    onResolve({ filter: /\?source$/ }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path.slice(0, -suffix.length)),
      namespace,
    }));
    onLoad({ filter: /.*/, namespace }, async ({ path }) => {
      const { outputFiles, metafile } = await build({
        entryPoints: [path],
        absWorkingDir: initialOptions.absWorkingDir,
        bundle: true,
        platform: 'node',
        format: 'cjs',
        target: initialOptions.target,
        minify: true,
        legalComments: 'none',
        logLevel: 'error',
        metafile: true,
        write: false,
        plugins: [koffiBeside],
      });
      const watchFiles = Object.keys(metafile.inputs).map((file) =>
        resolve(initialOptions.absWorkingDir ?? '.', file),
      );
      const [{ text }] = outputFiles;
      return { contents: withRequire(text), loader: 'text', watchFiles };
    });
  },
};

export const agentPlugins = [koffiBeside, workerSource];
