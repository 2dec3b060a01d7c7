// Finds Electron's program, or fetches it.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const say = (text) => console.error(`flatland: ${text}`);

/** Electron's program; null when it is not there. Importing the package would try to download it. */
function findElectron(electron, environment = process.env) {
  const pathFile = join(electron, 'path.txt');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : null;
  const override = environment.ELECTRON_OVERRIDE_DIST_PATH;
  const program = override
    ? join(override, name ?? (process.platform === 'win32' ? 'electron.exe' : 'electron'))
    : name === null
      ? null
      : join(electron, 'dist', name);
  return program !== null && existsSync(program) ? program : null;
}

/** Why the desktop app cannot be opened on this machine, as a sentence; null when nothing speaks against it. */
function whyNotDesktop(environment = process.env, platform = process.platform, uid = process.getuid?.()) {
  if ((environment.FLATLAND_NO_ELECTRON ?? '') !== '') return 'FLATLAND_NO_ELECTRON is set.';
  if (platform !== 'linux') return null;
  if (uid === 0) return 'Electron does not run as root unless its sandbox is off, and it stays on.';
  if (!environment.DISPLAY && !environment.WAYLAND_DISPLAY) return 'There is no display here.';
  return null;
}

const hasProxy = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].some((name) => process.env[name]);

/** Whether Electron's server answers within some seconds; behind a proxy only the download itself can tell. */
function isReachable() {
  const mirror =
    process.env.ELECTRON_MIRROR ?? process.env.npm_config_electron_mirror ?? 'https://github.com/';
  if (hasProxy || !URL.canParse(mirror)) return true;
  const { hostname, port, protocol } = new URL(mirror);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
    const answer = (reachable) => {
      socket.destroy();
      resolve(reachable);
    };
    socket.setTimeout(4000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** Bytes of all files below a directory. */
function bytesIn(directory) {
  return readdirSync(directory, { recursive: true })
    .map((name) => statSync(join(directory, name), { throwIfNoEntry: false }))
    .reduce((sum, file) => sum + (file?.isFile() ? file.size : 0), 0);
}

/** Fetches Electron as its package does it, with a line of progress. Resolves to whether it is there now. */
async function fetchElectron(electron) {
  if (!existsSync(join(electron, 'install.js'))) return false;
  const { version } = JSON.parse(readFileSync(join(electron, 'package.json'), 'utf8'));
  if (!(await isReachable())) return false;
  say(`fetching Electron ${version}, once (about 120 MB)`);
  const temporary = mkdtempSync(join(tmpdir(), 'flatland-electron-'));
  // What it downloads grows in its temporary directory, which is how its progress is known.
  const child = spawn(process.execPath, [join(electron, 'install.js')], {
    stdio: 'ignore',
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
  });
  const ended = new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('exit', (code) => resolve(code ?? 1));
  });
  const began = Date.now();
  let bytes = 0;
  let grew = began;
  try {
    for (;;) {
      const code = await Promise.race([ended, delay(500)]);
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
      if (code !== undefined) return code === 0;
      const now = bytesIn(temporary);
      if (now !== bytes) grew = Date.now();
      bytes = now;
      // Unpacking is quick; a download that stands still for so long is none.
      if (Date.now() - grew > 30_000) child.kill();
      if (process.stderr.isTTY)
        process.stderr.write(`  ${Math.round(bytes / 1e6)} MB, ${Math.round((Date.now() - began) / 1000)} s`);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Electron's program, fetched if need be; or null and the reason, as a sentence. */
export async function obtainElectron() {
  const reason = whyNotDesktop();
  if (reason !== null) return { program: null, reason };
  const electron = join(root, 'node_modules', 'electron');
  if (findElectron(electron) === null) await fetchElectron(electron);
  const program = findElectron(electron);
  return program === null
    ? { program, reason: 'Electron is not here and could not be fetched.' }
    : { program, reason: null };
}
