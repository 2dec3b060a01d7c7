// Builds everything that runs into out/: `node resources/build/build.mjs`. Takes about a second.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { agentPlugins } from './agent.mjs';
import { esbuildPackages } from './packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, 'out');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const require = createRequire(import.meta.url);

const common = {
  absWorkingDir: root,
  outdir: 'out',
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  define: { FLATLAND_VERSION: JSON.stringify(version) },
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
};

/** Programs that share chunks, so that each command loads only its own part. */
const modules = {
  ...common,
  entryPoints: {
    cli: 'main/door/cli/index.ts',
    schema: 'main/lab/file/print-schema.ts',
    bench: 'test/bench/index.ts',
    fuzz: 'test/fuzz/index.ts',
    'synthetic-ui': 'test/support/synthetic-ui.ts',
  },
  format: 'esm',
  // It reads files beside itself, and only the benchmark of the screens drives a browser.
  external: ['playwright-core'],
  splitting: true,
  chunkNames: 'chunk-[hash]',
  plugins: [esbuildPackages],
  // CommonJS packages inside a module get the names that they expect.
  banner: {
    js: [
      "import { createRequire as _createRequire } from 'node:module';",
      'const require = _createRequire(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
};

/** Programs of one file each: they run alone, as root or on a host. */
const scripts = [
  {
    ...common,
    entryPoints: { 'sandbox-root': 'main/host/sandbox/root/index.ts' },
    plugins: [esbuildPackages],
  },
  {
    ...common,
    entryPoints: { 'agent/agent': 'agent/index.ts' },
    minifyIdentifiers: true,
    plugins: [esbuildPackages, ...agentPlugins],
  },
].map((script) => ({ ...script, format: 'cjs', outExtension: { '.js': '.cjs' } }));

/** The same program without the entries whose source is not there; null when none is left. */
function present(program) {
  const entries = Object.entries(program.entryPoints).filter(([, entry]) => existsSync(join(root, entry)));
  return entries.length === 0 ? null : { ...program, entryPoints: Object.fromEntries(entries) };
}

/** Replaces a file in one step, since another launcher may be reading it. */
function replace(path, contents) {
  writeFileSync(`${path}.${process.pid}`, contents);
  renameSync(`${path}.${process.pid}`, path);
}

/** Files of earlier builds stay for a while: a command that still runs may load one yet. */
function removeOldFiles(written) {
  const hourAgo = Date.now() - 3_600_000;
  for (const name of readdirSync(out)) {
    const path = join(out, name);
    if (/\.js(\.map)?$/.test(name) && !written.has(path) && statSync(path).mtimeMs < hourAgo) rmSync(path);
  }
}

/** The native part of koffi for this machine, which is also what its sandbox hosts are. */
function koffiNative() {
  const { glibcVersionRuntime } = process.report.getReport().header;
  const libc = glibcVersionRuntime === undefined ? 'musl' : process.platform;
  const entry = require.resolve(`@koromix/koffi-${process.platform}-${process.arch}`);
  return join(dirname(entry), `${libc}_${process.arch}`, 'koffi.node');
}

const stamp = join(out, '.stamp');
const began = `${stamp}.${process.pid}`;
mkdirSync(join(out, 'agent'), { recursive: true });
// The stamp is as old as the beginning: what is edited meanwhile is newer than it, and is built next time.
writeFileSync(began, '');
try {
  const builds = [modules, ...scripts].map(present).filter((program) => program !== null);
  const results = await Promise.all(builds.map((program) => build(program)));
  const files = results.flatMap(({ outputFiles }) => outputFiles);
  for (const { path, contents } of files) replace(path, contents);
  replace(join(out, 'agent', 'koffi.node'), readFileSync(koffiNative()));
  removeOldFiles(new Set(files.map(({ path }) => path)));
  renameSync(began, stamp);
} catch (error) {
  rmSync(began, { force: true });
  // esbuild has said what is wrong by itself.
  if (!Array.isArray(error?.errors)) console.error(error);
  process.exitCode = 1;
}
