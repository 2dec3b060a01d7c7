import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DesktopBridge } from '../../contract/desktop.ts';
import type { WatchEvent } from '../../contract/watch.ts';
import { openDoor } from '../../main/door/electron/door.ts';
import { createScreens } from '../../main/rpc/create-screens.ts';
import type { Procedures } from '../../main/rpc/procedures.ts';
import type { Screens } from '../../main/rpc/screens.ts';
import { IpcSocket } from '../../renderer/rpc/ipc.ts';
import { createSyntheticRouter, type SyntheticOptions } from '../support/synthetic-router.ts';
import { createElectron, type StandIn, type StandInWindow } from './electron-stand-in.ts';

// The whole desktop door, its preload script and the screens' end of its socket, with a stand-in for Electron alone.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
/** Waits for what must come true sooner or later, on a busy machine as well. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

let directory: string;
let screens: Screens | null;
const failures: unknown[] = [];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flatland-desktop-'));
  await mkdir(join(directory, 'screens', 'assets'), { recursive: true });
  await writeFile(join(directory, 'screens', 'index.html'), '<title>Flatland</title>');
  await writeFile(join(directory, 'secret.txt'), 'secret');
  screens = null;
  failures.length = 0;
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await screens?.close();
  await screens?.router.close();
  await rm(directory, { recursive: true, force: true });
  expect(failures).toEqual([]);
});

const open = async (
  electron: StandIn,
  router: Partial<SyntheticOptions> = {},
  settings: {
    words?: string[];
    platform?: NodeJS.Platform;
    developmentUrl?: string;
    ended?: AbortSignal;
  } = {},
): Promise<void> => {
  await openDoor(
    electron.parts,
    {
      platform: settings.platform ?? 'linux',
      words: settings.words ?? [],
      developmentUrl: settings.developmentUrl,
      screens: join(directory, 'screens'),
      files: { preload: '/built/preload.cjs', icon: '/built/icon.png' },
      stateFile: join(directory, 'window.json'),
      ended: settings.ended ?? new AbortController().signal,
      onFailure: (thrown) => failures.push(thrown),
    },
    () => {
      screens = createScreens({
        router: createSyntheticRouter({ history: 5, speed: 20, ...router }),
        version: 'test',
        onFailure: (thrown) => failures.push(thrown),
      });
      return screens;
    },
  );
  // The page of the first window is loaded before anything is asked of it.
  await eventually(() => expect(electron.windows.every(({ url }) => url !== null)).toBe(true));
};

const windowOf = (electron: StandIn, index = 0): StandInWindow => {
  const window = electron.windows[index];
  if (window === undefined) throw new Error(`there is no window ${index}`);
  return window;
};

/** Runs the preload script for a window's page, as Electron does; gives what it exposes. */
const preload = async (window: StandInWindow): Promise<DesktopBridge> => {
  const { ipcRenderer } = window.webContents.page;
  let exposed: DesktopBridge | null = null;
  vi.resetModules();
  vi.doMock('electron', () => ({
    ipcRenderer,
    contextBridge: {
      exposeInMainWorld: (name: string, bridge: DesktopBridge) => {
        expect(name).toBe('flatland');
        exposed = bridge;
      },
    },
  }));
  await import('../../main/door/electron/preload.ts');
  vi.doUnmock('electron');
  if (exposed === null) throw new Error('the preload script exposed nothing');
  return exposed;
};

/** The screens' client over a window's bridge. */
const connect = async (window: StandInWindow) => {
  vi.stubGlobal('window', { flatland: await preload(window) });
  expect(IpcSocket.available()).toBe(true);
  const states: string[] = [];
  const socket = createWSClient({
    url: 'ipc://flatland',
    WebSocket: IpcSocket.asWebSocket(),
    retryDelayMs: () => 10,
    onOpen: () => states.push('open'),
    onClose: () => states.push('closed'),
  });
  const client = createTRPCClient<Procedures>({ links: [wsLink({ client: socket })] });
  const watch = (lab: string | null) => {
    const events: WatchEvent[] = [];
    const subscription = client.watch.subscribe({ lab }, { onData: (event) => events.push(event) });
    return { events, stop: () => subscription.unsubscribe() };
  };
  return { client, states, watch, close: () => socket.close() };
};

/** The signals of all watches from now on: one is aborted when nobody listens any more. */
const spyOnWatch = (): AbortSignal[] => {
  if (screens === null) throw new Error('there are no screens');
  const { watch } = screens;
  const signals: AbortSignal[] = [];
  vi.spyOn(screens, 'watch').mockImplementation((lab, signal) => {
    if (signal !== undefined) signals.push(signal);
    return watch(lab, signal);
  });
  return signals;
};

const firstLab = async (): Promise<string> => {
  const [lab] = (await screens?.router.list()) ?? [];
  if (lab === undefined) throw new Error('there is no lab');
  return lab.name;
};

describe('a window', () => {
  test('is sandboxed and isolated, and shown once it is drawn, on the ground of its theme', async () => {
    const electron = createElectron({ dark: true });
    await open(electron);
    const window = windowOf(electron);
    expect(electron.isSandboxed()).toBe(true);
    expect(electron.schemes).toEqual(['app']);
    expect(window.url).toBe('app://flatland/');
    expect(window.options.show).toBe(false);
    expect(window.shown).toBe(true);
    expect(window.options.backgroundColor).toBe('#0c0f14');
    expect(window.options.webPreferences).toEqual({
      preload: '/built/preload.cjs',
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    });
  });

  test('stays on its page: links go outside after a check, all else goes nowhere', async () => {
    const electron = createElectron();
    await open(electron);
    const { webContents } = windowOf(electron);
    expect(webContents.navigate('will-navigate', 'https://example.com/docs')).toBe(true);
    expect(webContents.navigate('will-navigate', 'file:///etc/passwd')).toBe(true);
    expect(webContents.navigate('will-frame-navigate', 'https://example.com/')).toBe(true);
    expect(webContents.navigate('will-redirect', 'https://example.com/')).toBe(true);
    expect(webContents.open('mailto:someone@example.com')).toEqual({ action: 'deny' });
    expect(webContents.open('javascript:alert(1)')).toEqual({ action: 'deny' });
    expect(webContents.attachWebview()).toBe(true);
    expect(electron.opened).toEqual(['https://example.com/docs', 'mailto:someone@example.com']);
  });

  test('may copy, and nothing else that needs permission', async () => {
    const electron = createElectron();
    await open(electron);
    expect(await electron.request('clipboard-sanitized-write')).toBe(true);
    expect(await electron.request('media')).toBe(false);
    expect(electron.check('clipboard-sanitized-write')).toBe(true);
    expect(electron.check('geolocation')).toBe(false);
    expect(electron.device()).toBe(false);
  });

  test('is where it was at the last start', async () => {
    const first = createElectron();
    await open(first, { state: 'none' });
    const bounds = { x: 120, y: 80, width: 1100, height: 720 };
    windowOf(first).move(bounds, true);
    windowOf(first).close();
    await eventually(() => expect(first.hasEnded()).toBe(true));
    expect(JSON.parse(await readFile(join(directory, 'window.json'), 'utf8'))).toEqual({
      bounds,
      maximised: true,
      theme: 'auto',
    });
    const second = createElectron();
    await open(second);
    expect(windowOf(second).options).toMatchObject(bounds);
    expect(windowOf(second).isMaximized()).toBe(true);
  });

  test('follows the theme that its screen chooses, also at the next start', async () => {
    const electron = createElectron();
    await open(electron);
    const bridge = await preload(windowOf(electron));
    bridge.setTheme('dark');
    await eventually(() => expect(electron.parts.nativeTheme.themeSource).toBe('dark'));
    electron.parts.nativeTheme.emit('updated');
    expect(windowOf(electron).backgroundColor).toBe('#0c0f14');
    const next = createElectron();
    await open(next);
    expect(windowOf(next).options.backgroundColor).toBe('#0c0f14');
  });

  test('can be loaded again when its process has ended', async () => {
    const electron = createElectron();
    await open(electron);
    electron.answer('Load it again');
    windowOf(electron).webContents.emit('render-process-gone', {}, { reason: 'crashed' });
    await eventually(() => expect(windowOf(electron).webContents.reloads).toBe(1));
    expect(electron.asked[0]?.detail).toContain('crashed');
    windowOf(electron).webContents.emit('render-process-gone', {}, { reason: 'clean-exit' });
    expect(electron.asked).toHaveLength(1);
  });
});

describe('the protocol', () => {
  test('serves the screens with a strict policy', async () => {
    const electron = createElectron();
    await open(electron);
    const response = await electron.fetchPage('app://flatland/#/lab/demo');
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('<title>Flatland</title>');
    expect(response.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'",
    );
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each([
    'app://flatland/../secret.txt',
    'app://flatland/%2e%2e/secret.txt',
    'app://flatland/%2e%2e%2fsecret.txt',
    'app://flatland/..%5csecret.txt',
    'app://other/index.html',
    'app://flatland:81/index.html',
    'app://flatland/nothing.js',
  ])('does not serve %s', async (url) => {
    const electron = createElectron();
    await open(electron);
    const response = await electron.fetchPage(url);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('');
  });

  test('takes no other method', async () => {
    const electron = createElectron();
    await open(electron);
    expect((await electron.fetchPage('app://flatland/', 'POST')).status).toBe(405);
    expect(await (await electron.fetchPage('app://flatland/', 'HEAD')).text()).toBe('');
  });

  test('gives way to a development server, but not in a packaged app', async () => {
    const developmentUrl = 'http://127.0.0.1:5173/';
    const loose = createElectron();
    await open(loose, {}, { developmentUrl });
    expect(windowOf(loose).url).toBe(developmentUrl);
    const packaged = createElectron({ packaged: true });
    await open(packaged, {}, { developmentUrl });
    expect(windowOf(packaged).url).toBe('app://flatland/');
    expect(packaged.defaultProtocols).toEqual(['flatland']);
  });
});

describe('the router over IPC', () => {
  test('answers queries, and refuses with the errors of the catalogue', async () => {
    const electron = createElectron();
    await open(electron);
    const { client, close } = await connect(windowOf(electron));
    expect(await client.describe.query({ lab: await firstLab() })).toContain('hosts:');
    await expect(client.describe.query({ lab: 'missing' })).rejects.toMatchObject({
      data: { flatland: { code: 'lab-unknown' } },
    });
    // @ts-expect-error What a screen sends is parsed, whatever its types say.
    await expect(client.describe.query({ lab: 7 })).rejects.toMatchObject({
      data: { flatland: { code: 'input-invalid' } },
    });
    // The log has what a call failed of.
    expect(failures.splice(0)).toMatchObject([{ error: { code: 'lab-unknown' } }]);
    await close();
  });

  test('streams what happens, until the screen stops listening', async () => {
    const electron = createElectron();
    await open(electron);
    const { client, watch, close } = await connect(windowOf(electron));
    const lab = await firstLab();
    const watching = spyOnWatch();
    const { events, stop } = watch(lab);
    await eventually(() => expect(events[0]?.type).toBe('snapshot'));
    await client.probe.mutate({ lab });
    await eventually(() => expect(events.some(({ type }) => type === 'tasks')).toBe(true));
    expect(watching.map(({ aborted }) => aborted)).toEqual([false]);
    stop();
    await eventually(() => expect(watching.map(({ aborted }) => aborted)).toEqual([true]));
    await close();
  });

  test('comes back after a reload, which ends what the page before had open', async () => {
    const electron = createElectron();
    await open(electron);
    const window = windowOf(electron);
    const { states, watch, close } = await connect(window);
    const { events } = watch(null);
    await eventually(() => expect(events).toHaveLength(1));
    window.webContents.emit('did-start-navigation', { isMainFrame: true, isSameDocument: true });
    window.webContents.emit('did-start-navigation', { isMainFrame: false, isSameDocument: false });
    expect(states).toEqual(['open']);
    window.webContents.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
    await eventually(() => expect(states).toEqual(['open', 'closed', 'open']));
    await eventually(() => expect(events.filter(({ type }) => type === 'snapshot')).toHaveLength(2));
    await close();
  });

  test('ends with its window', async () => {
    const electron = createElectron();
    await open(electron);
    electron.choose('File', 'New Window');
    await eventually(() => expect(windowOf(electron, 1).url).not.toBeNull());
    const window = windowOf(electron, 1);
    const watching = spyOnWatch();
    const { watch, close } = await connect(window);
    const { events } = watch(null);
    await eventually(() => expect(events).toHaveLength(1));
    expect(watching.map(({ aborted }) => aborted)).toEqual([false]);
    window.close();
    await eventually(() => expect(watching.map(({ aborted }) => aborted)).toEqual([true]));
    expect(electron.windows).toHaveLength(1);
    void close();
  });

  test('each window has its own', async () => {
    const electron = createElectron();
    await open(electron);
    electron.choose('File', 'New Window');
    await eventually(() => expect(windowOf(electron, 1).url).not.toBeNull());
    const first = await connect(windowOf(electron, 0));
    const one = first.watch(null);
    await eventually(() => expect(one.events).toHaveLength(1));
    const second = await connect(windowOf(electron, 1));
    const other = second.watch(null);
    await eventually(() => expect(other.events).toHaveLength(1));
    await second.close();
    expect(first.states).toEqual(['open']);
    await first.close();
  });

  const call = { id: 1, method: 'query', params: { path: 'diagnostics', input: {} } };

  test.each([
    ['another origin', { url: 'https://example.com/', parent: null }],
    ['another page of our scheme', { url: 'app://other/', parent: null }],
    ['a frame inside the page', { url: 'app://flatland/', parent: {} }],
    ['a frame that is gone', null],
  ])('is deaf to %s', async (_, frame) => {
    const electron = createElectron();
    await open(electron);
    const { page } = windowOf(electron).webContents;
    const heard: unknown[] = [];
    page.ipcRenderer.on('flatland:rpc', (_event, message) => heard.push(message));
    const say = async (message: unknown) => {
      page.ipcRenderer.send('flatland:rpc', message);
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const trusted = page.frame;
    page.frame = frame;
    await say({ type: 'open', connection: 1 });
    page.ipcRenderer.send('flatland:theme', 'dark');
    await say({ type: 'text', connection: 1, text: JSON.stringify(call) });
    expect(heard).toEqual([]);
    expect(electron.parts.nativeTheme.themeSource).toBe('system');
    page.frame = trusted;
    await say({ type: 'open', connection: 1 });
    expect(heard).toEqual([{ type: 'opened', connection: 1 }]);
    page.frame = frame;
    await say({ type: 'text', connection: 1, text: JSON.stringify(call) });
    expect(heard).toHaveLength(1);
  });

  test.each([
    ['no object', 'open'],
    ['an unknown kind', { type: 'shell', connection: 1 }],
    ['more than asked for', { type: 'text', connection: 1, text: 'PING', extra: true }],
    ['a text that is too long', { type: 'text', connection: 1, text: 'x'.repeat(4 * 1024 * 1024 + 1) }],
    ['a text that is none', { type: 'text', connection: 1, text: new Uint8Array(3) }],
  ])('closes on %s', async (_, message) => {
    const electron = createElectron();
    await open(electron);
    const { ipcRenderer } = windowOf(electron).webContents.page;
    const heard: unknown[] = [];
    ipcRenderer.on('flatland:rpc', (_event, answer) => heard.push(answer));
    ipcRenderer.send('flatland:rpc', { type: 'open', connection: 1 });
    ipcRenderer.send('flatland:rpc', message);
    await eventually(() =>
      expect(heard).toEqual([
        { type: 'opened', connection: 1 },
        { type: 'closed', connection: 1 },
      ]),
    );
  });
});

describe('the menu', () => {
  test('asks the screen in front, which hears it once it listens', async () => {
    const electron = createElectron();
    await open(electron);
    const bridge = await preload(windowOf(electron));
    const heard: unknown[] = [];
    electron.choose('File', 'New Lab…');
    electron.choose('View', 'Theme', 'Dark');
    await new Promise((resolve) => setTimeout(resolve, 20));
    const stop = bridge.onCommand((command) => heard.push(command));
    expect(heard).toEqual([{ type: 'new-lab' }, { type: 'theme', theme: 'dark' }]);
    stop();
    electron.choose('File', 'Export…');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toHaveLength(2);
  });

  test('has what each system expects', async () => {
    const titles = async (platform: NodeJS.Platform) => {
      const electron = createElectron();
      await open(electron, {}, { platform });
      return electron.menu().map(({ label, role }) => label ?? role);
    };
    expect(await titles('linux')).toEqual(['File', 'editMenu', 'View', 'Go', 'windowMenu', 'help']);
    expect(await titles('darwin')).toEqual([
      'appMenu',
      'File',
      'editMenu',
      'View',
      'Go',
      'windowMenu',
      'help',
    ]);
  });
});

describe('a second start', () => {
  test('ends at once and begins nothing', async () => {
    const electron = createElectron({ first: false });
    await open(electron);
    expect(electron.hasEnded()).toBe(true);
    expect(electron.windows).toEqual([]);
    expect(screens).toBeNull();
  });

  test('brings the first to the front, and to the lab that it names', async () => {
    const electron = createElectron();
    await open(electron);
    const window = windowOf(electron);
    const bridge = await preload(window);
    const heard: unknown[] = [];
    bridge.onCommand((command) => heard.push(command));
    electron.app.emit('second-instance', {}, ['/opt/flatland', 'flatland://lab/demo']);
    await eventually(() => expect(heard).toEqual([{ type: 'open-lab', lab: 'demo' }]));
    expect(electron.windows).toHaveLength(1);
  });

  test('a link that the app was started with opens as well', async () => {
    const heard: unknown[] = [];
    const electron = createElectron({
      preload: async (window) => {
        const bridge = await preload(window);
        bridge.onCommand((command) => heard.push(command));
      },
    });
    await open(electron, {}, { words: ['flatland://lab/demo'] });
    await eventually(() => expect(heard).toEqual([{ type: 'open-lab', lab: 'demo' }]));
  });
});

describe('a quit', () => {
  test('asks nothing when there is nothing to ask', async () => {
    const electron = createElectron();
    await open(electron, { state: 'none' });
    electron.app.quit();
    await eventually(() => expect(electron.hasEnded()).toBe(true));
    expect(electron.asked).toEqual([]);
  });

  test('asks whether the lab stays up, while its window is still there; it stays', async () => {
    const electron = createElectron();
    await open(electron);
    const lab = await firstLab();
    electron.answer('It Stays Up');
    windowOf(electron).close();
    expect(electron.windows).toHaveLength(1);
    await eventually(() => expect(electron.hasEnded()).toBe(true));
    expect(
      electron.asked.map(({ message, defaultId, buttons }) => ({ message, defaultId, buttons })),
    ).toEqual([
      {
        message: `Does the lab ${lab} stay up?`,
        defaultId: 0,
        buttons: ['It Stays Up', 'Take It Down', 'Cancel'],
      },
    ]);
    expect(electron.windows).toEqual([]);
    expect(await firstLab()).toBe(lab);
  });

  test('takes all labs down before it ends, if that is wanted', async () => {
    const electron = createElectron();
    await open(electron, { others: true });
    electron.answer('Take Them Down');
    electron.app.quit();
    await eventually(() => expect(electron.hasEnded()).toBe(true));
    expect(await screens?.router.list()).toEqual([]);
  });

  test('can be called off, and asked for again', async () => {
    const electron = createElectron();
    await open(electron);
    electron.answer('Cancel');
    electron.app.quit();
    await eventually(() => expect(electron.asked).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(electron.hasEnded()).toBe(false);
    expect(electron.windows).toHaveLength(1);
    electron.answer('It Stays Up');
    electron.app.quit();
    // A second request while the question stands asks nothing more.
    electron.app.quit();
    await eventually(() => expect(electron.hasEnded()).toBe(true));
    expect(electron.asked).toHaveLength(2);
  });

  test('names what still runs', async () => {
    const electron = createElectron();
    await open(electron, { state: 'none', speed: 1 });
    await screens?.begin({
      kind: 'up',
      source: { kind: 'generated', hosts: 2, backend: 'vxlan', name: 'slow' },
    });
    electron.answer('Cancel');
    electron.app.quit();
    await eventually(() => expect(electron.asked).toHaveLength(1));
    expect(electron.asked[0]?.detail).toContain('• Bring up slow');
    expect(electron.hasEnded()).toBe(false);
  });

  test('that cannot wait asks nothing, and labs stay up', async () => {
    const electron = createElectron();
    const ended = new AbortController();
    await open(electron, {}, { ended: ended.signal });
    ended.abort();
    await eventually(() => expect(electron.hasEnded()).toBe(true));
    expect(electron.asked).toEqual([]);
    expect(await screens?.router.list()).toHaveLength(1);
  });

  test('leaves the app open on macOS when only the window is closed', async () => {
    const electron = createElectron();
    await open(electron, {}, { platform: 'darwin' });
    windowOf(electron).close();
    expect(electron.windows).toEqual([]);
    expect(electron.hasEnded()).toBe(false);
    electron.app.emit('activate');
    expect(electron.windows).toHaveLength(1);
    await eventually(() => expect(windowOf(electron).url).not.toBeNull());
  });
});
