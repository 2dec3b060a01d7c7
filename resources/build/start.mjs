// `npm start`: opens the desktop app where Electron is present or can be fetched, and otherwise the screens in a browser.

import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { obtainElectron, root, say } from './electron.mjs';

const words = process.argv.slice(2);

/** Runs a program to its end on this terminal; resolves to its exit code. */
function run(program, args, environment = process.env) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', env: environment });
    // A Ctrl-C reaches the program by itself.
    const ignore = () => {};
    process.on('SIGINT', ignore);
    child.on('error', () => resolve(127));
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 1));
    });
  });
}

const node = (script, ...args) => run(process.execPath, [join(root, script), ...args]);

/** Makes sure of the packages and the build; the launcher does it where there is a shell. */
function prepare() {
  if (process.platform !== 'win32')
    return (
      spawnSync(join(root, 'flatland'), ['version'], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
    );
  const build = spawnSync(process.execPath, [join(root, 'resources', 'build', 'build.mjs')], {
    stdio: 'inherit',
  });
  return build.status === 0;
}

/** Opens the desktop app. Resolves to its exit code, or to null when it could not start at all. */
async function openDesktop(program) {
  for (const script of ['screens', 'desktop'])
    if ((await node(`resources/build/${script}.mjs`, '--if-outdated')) !== 0) return 1;
  const { ELECTRON_RUN_AS_NODE: _, ...environment } = process.env;
  const began = Date.now();
  const code = await run(program, [root, ...words], { ...environment, FLATLAND_NODE: process.execPath });
  return code !== 0 && code !== 130 && Date.now() - began < 3000 ? null : code;
}

async function openWeb(reason) {
  say(`${reason} The screens open in a browser instead.`);
  const options = words.filter((word) => !word.startsWith('flatland:'));
  return process.platform === 'win32'
    ? (await node('resources/build/screens.mjs', '--if-outdated')) ||
        (await node('out/cli.js', 'ui', ...options))
    : run(join(root, 'flatland'), ['ui', ...options]);
}

async function start() {
  if (!prepare()) return 3;
  const found = await obtainElectron();
  if (found.program === null) return openWeb(found.reason);
  return (
    (await openDesktop(found.program)) ??
    openWeb('Electron ended at once; its sandbox may need user namespaces that this system forbids.')
  );
}

process.exitCode = await start();
