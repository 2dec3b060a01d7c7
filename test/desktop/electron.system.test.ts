import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../support/flatland.ts';

// The built app itself, in plain Node, with the least stand-in for Electron that lets it start: what a bundler can break, it would
// break here. How the door behaves is tested in electron.test.ts.

const run = promisify(execFile);
const start = join(root, 'resources', 'build', 'start.mjs');
const finder = pathToFileURL(join(root, 'resources', 'build', 'electron.mjs')).href;
let directory: string;

const resolver = (standIn: string) => `
export async function resolve(specifier, context, next) {
  if (specifier === 'electron') return { url: ${JSON.stringify(standIn)}, shortCircuit: true };
  return next(specifier, context);
}`;

const standIn = `
import { EventEmitter } from 'node:events';
let serve;
const tell = (what) => console.log(JSON.stringify(what));
export const app = Object.assign(new EventEmitter(), {
  isPackaged: false, requestSingleInstanceLock: () => true, enableSandbox() {}, whenReady: async () => {},
  quit() { this.emit('before-quit', { preventDefault() { tell({ prevented: true }); } }); }, exit: process.exit,
});
export class BrowserWindow extends EventEmitter {
  constructor(options) {
    super();
    tell({ preload: options.webPreferences.preload, icon: options.icon });
    this.webContents = Object.assign(new EventEmitter(), {
      ipc: new EventEmitter(), isDestroyed: () => false, setWindowOpenHandler() {},
      send: (channel, message) => { if (message.type === 'text') { tell(JSON.parse(message.text)); process.exit(); } },
    });
  }
  async loadURL(url) {
    const response = await serve(new Request(url));
    tell({ status: response.status, policy: response.headers.get('content-security-policy'), page: await response.text() });
    const say = (message) => this.webContents.ipc.emit('flatland:rpc', { senderFrame: { url, parent: null } }, message);
    say({ type: 'open', connection: 1 });
    const call = { id: 1, method: 'query', params: { path: 'diagnostics', input: {} } };
    say({ type: 'text', connection: 1, text: JSON.stringify(call) });
  }
  isMinimized() { return false; } isDestroyed() { return false; } show() {} focus() {}
}
export const dialog = { showErrorBox: (...words) => tell({ words }) };
export const Menu = { buildFromTemplate: (template) => template, setApplicationMenu() {} };
export const nativeTheme = new EventEmitter();
export const protocol = { registerSchemesAsPrivileged() {}, handle: (_scheme, handler) => { serve = handler; } };
export const screen = { getAllDisplays: () => [] };
export const session = { defaultSession: {
  setPermissionRequestHandler() {}, setPermissionCheckHandler() {}, setDevicePermissionHandler() {},
} };
export const shell = {};
`;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatland-built-'));
  for (const part of ['screens', 'desktop'])
    await run(process.execPath, [join(root, 'resources', 'build', `${part}.mjs`), '--if-outdated']);
}, 300_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

test('the built app starts, shows the built screens and answers them', async () => {
  await writeFile(join(directory, 'electron.mjs'), standIn);
  const url = pathToFileURL(join(directory, 'electron.mjs')).href;
  await writeFile(join(directory, 'resolver.mjs'), resolver(url));
  const register = `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(join(directory, 'resolver.mjs')).href)});`;
  await writeFile(join(directory, 'register.mjs'), register);
  const { stdout } = await run(
    process.execPath,
    [
      '--import',
      pathToFileURL(join(directory, 'register.mjs')).href,
      join(root, 'out', 'desktop', 'main.js'),
    ],
    { env: { ...process.env, XDG_STATE_HOME: join(directory, 'state') }, timeout: 60_000 },
  );
  const told: unknown[] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(told).toMatchObject([
    {
      preload: join(root, 'out', 'desktop', 'preload.cjs'),
      icon: join(root, 'resources', 'icons', '256x256.png'),
    },
    {
      status: 200,
      policy: expect.stringContaining("script-src 'self'"),
      page: expect.stringContaining('<title>Flatland</title>'),
    },
    { id: 1, result: { data: expect.stringContaining('Flatland') } },
  ]);
});

test('npm start says why there is no desktop app, and opens the web door with the same options', async () => {
  const { stdout, stderr } = await run(process.execPath, [start, '--help'], {
    env: { ...process.env, FLATLAND_NO_ELECTRON: '1' },
    timeout: 120_000,
  });
  expect(stderr).toContain('FLATLAND_NO_ELECTRON is set. The screens open in a browser instead.');
  expect(stdout).toContain('Usage: flatland ui');
});

describe('Electron is found', () => {
  const find = async (environment: Record<string, string>, user: number): Promise<unknown> => {
    const script = `process.getuid = () => ${user}; import(${JSON.stringify(finder)}).then((m) => m.obtainElectron()).then((o) => console.log(JSON.stringify(o)))`;
    const env = { PATH: process.env['PATH'] ?? '', HOME: directory, ...environment };
    const { stdout } = await run(process.execPath, ['-e', script], { env, timeout: 60_000 });
    return JSON.parse(stdout);
  };

  test('where it was put, by a user who has a display', async () => {
    const program = join(directory, 'electron');
    await writeFile(program, '');
    const found = await find({ DISPLAY: ':0', ELECTRON_OVERRIDE_DIST_PATH: directory }, 1000);
    expect(found).toEqual({ program, reason: null });
  });

  test('by nobody without a display, and not by root', async () => {
    expect(await find({ ELECTRON_OVERRIDE_DIST_PATH: directory }, 1000)).toEqual({
      program: null,
      reason: 'There is no display here.',
    });
    expect(await find({ DISPLAY: ':0', ELECTRON_OVERRIDE_DIST_PATH: directory }, 0)).toMatchObject({
      program: null,
      reason: expect.stringContaining('as root'),
    });
  });
});
