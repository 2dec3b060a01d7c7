// `npm run package [-- --linux | --mac | --win …]`: builds everything afresh and packages the desktop app into out/package/.
// electron-builder brings some 280 packages, so it is run by npx in a pinned version instead of being a dependency. It fetches
// Electron itself, for the system that it packages.

import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const electronBuilder = 'electron-builder@26.17.0';

/** The Node that root and hosts run on Linux: packages that hold nothing but the program, pinned by what they contain. */
const node = {
  version: '22.23.3',
  x64: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  arm64: 'sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
};

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = join(root, 'out', 'package');
const words = process.argv.slice(2);

function run(program, args, directory = root) {
  const { status, error } = spawnSync(program, args, {
    cwd: directory,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw error ?? new Error(`${program} ${args[0]} ended with ${status}`);
}

/** Puts Node's program for one processor at out/package/node-ARCH. npm checks the integrity that its lock file names. */
function fetchNode(arch) {
  const directory = join(out, `fetch-${arch}`);
  const name = `node-linux-${arch}`;
  mkdirSync(directory, { recursive: true });
  const install = [
    'install',
    `${name}@${node.version}`,
    '--ignore-scripts',
    '--force',
    '--no-audit',
    '--no-fund',
  ];
  run('npm', [...install, '--prefix', directory], directory);
  const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8'));
  const { integrity } = lock.packages[`node_modules/${name}`];
  if (integrity !== node[arch]) throw new Error(`${name} ${node.version} is not what it was: ${integrity}`);
  const program = join(out, `node-${arch}`);
  copyFileSync(join(directory, 'node_modules', name, 'bin', 'node'), program);
  chmodSync(program, 0o755);
  rmSync(directory, { recursive: true });
}

const forLinux =
  words.includes('--linux') || (process.platform === 'linux' && !/--(mac|win)/.test(words.join(' ')));
const arch = words.includes('--arm64') ? 'arm64' : words.includes('--x64') ? 'x64' : process.arch;

// Parts of earlier builds stay in these folders for a while, and are not to be packaged.
for (const folder of ['desktop', 'renderer', 'package'])
  rmSync(join(root, 'out', folder), { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const part of ['build', 'screens', 'desktop'])
  run(process.execPath, [join('resources', 'build', `${part}.mjs`)]);
if (forLinux) fetchNode(arch);
run('npx', [
  '--yes',
  electronBuilder,
  '--config',
  join('resources', 'package', 'electron-builder.yml'),
  ...words,
]);
