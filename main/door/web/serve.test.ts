import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type OutputEvent, outputEvent, type WatchEvent, watchEvent } from '../../../contract/watch.ts';
import {
  type Browser,
  codeOf,
  collect,
  openBrowser,
  visit,
} from '../../../test/support/synthetic-browser.ts';
import { createSyntheticRouter, type SyntheticOptions } from '../../../test/support/synthetic-router.ts';
import { createScreens } from '../../rpc/create-screens.ts';
import type { Screens } from '../../rpc/screens.ts';
import { openWebDoor, type WebDoor } from './serve.ts';

// A loaded machine is slow; what hangs is found all the same.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let files = '';
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  files = await mkdtemp(join(tmpdir(), 'flatland-web-'));
  await writeFile(join(files, 'index.html'), '<!doctype html><title>Flatland</title>');
  await mkdir(join(files, 'assets'));
  await writeFile(join(files, 'assets', 'index-abc.js'), 'export {};');
});
afterAll(() => rm(files, { recursive: true, force: true }));
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function makeScreens(options: Partial<SyntheticOptions> = {}): Screens {
  const screens = createScreens({
    router: createSyntheticRouter({ speed: 20, ...options }),
    version: 'test',
  });
  endings.push(() => screens.close());
  return screens;
}

async function openDoor(screens: Screens, port = 0): Promise<WebDoor> {
  const door = await openWebDoor({ screens, files, port, exactPort: port !== 0 });
  endings.push(() => door.close());
  return door;
}

async function enter(door: WebDoor, cookie?: string): Promise<Browser> {
  const browser = openBrowser(door.port, cookie ?? (await visit(door.link())).cookie);
  endings.push(() => browser.close());
  return browser;
}

const start = async (options: Partial<SyntheticOptions> = {}) => {
  const door = await openDoor(makeScreens(options));
  return { door, ...(await enter(door)) };
};

function watch({ client }: Pick<Browser, 'client'>, lab: string | null) {
  const seen = collect<WatchEvent>();
  const failed = collect<unknown>();
  const subscription = client.watch.subscribe({ lab }, { onData: seen.onData, onError: failed.onData });
  return { ...seen, failed: failed.values, stop: () => subscription.unsubscribe() };
}

const textOf = (events: readonly OutputEvent[]) =>
  events
    .map((event) => (event.type === 'output' ? Buffer.from(event.base64, 'base64').toString() : ''))
    .join('');

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('the web door', () => {
  it('lets a browser in once for each link', async () => {
    const door = await openDoor(makeScreens());
    const link = door.link();
    const first = await visit(link);
    expect(first.status).toBe(302);
    expect(first.cookie).toMatch(/^flatland-\d+=/);
    expect(await visit(link)).toEqual({ status: 401, cookie: '' });
    const page = await fetch(`http://127.0.0.1:${door.port}/`, { headers: { cookie: first.cookie } });
    expect([page.status, await page.text()]).toEqual([200, '<!doctype html><title>Flatland</title>']);
    expect((await visit(door.link())).status).toBe(302);
  });

  it('takes a reload of a used link by a browser that is in as what it is', async () => {
    const door = await openDoor(makeScreens());
    const link = door.link();
    const { cookie } = await visit(link);
    const again = await fetch(link, { headers: { cookie }, redirect: 'manual' });
    expect([again.status, again.headers.get('location')]).toEqual([302, '/']);
  });

  it('shows nobody else anything but how to get in, with strict headers on every answer', async () => {
    const { port } = await openDoor(makeScreens());
    for (const path of ['/', '/assets/index-abc.js', '/nothing', '/?token=wrong']) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
      expect(response.status).toBe(401);
      expect(await response.text()).toContain('flatland ui');
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).toBe('no-referrer');
      expect(response.headers.get('cache-control')).toBe('no-store');
    }
  });

  it('answers to its own name only', async () => {
    const door = await openDoor(makeScreens());
    const { cookie } = await visit(door.link());
    const status = await new Promise((resolve, reject) => {
      const headers = { host: `evil.example:${door.port}`, cookie };
      request({ port: door.port, host: '127.0.0.1', path: '/', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('serves files of the screens and no others', async () => {
    const door = await openDoor(makeScreens());
    const { cookie } = await visit(door.link());
    const get = (path: string) =>
      fetch(`http://127.0.0.1:${door.port}${path}`, { headers: { cookie }, redirect: 'manual' });
    const script = await get('/assets/index-abc.js');
    expect([script.status, script.headers.get('content-type')]).toEqual([
      200,
      'text/javascript; charset=utf-8',
    ]);
    expect((await get('/assets/none.js')).status).toBe(404);
    expect((await get('/..%2f..%2fetc%2fpasswd')).status).toBe(302);
    expect((await get('/lab/demo')).headers.get('location')).toBe('/');
  });

  it.each([
    ['without a session', 401, { cookie: 'flatland=none' }],
    ['from another page', 403, { origin: 'https://evil.example' }],
    ['by another name', 403, { host: 'evil.example' }],
    ['that a browser says is from another site', 403, { 'sec-fetch-site': 'cross-site' }],
  ])('opens no socket %s', async (_, status, headers) => {
    const door = await openDoor(makeScreens());
    const { cookie } = await visit(door.link());
    const socket = new WebSocket(`ws://127.0.0.1:${door.port}/rpc`, {
      headers: { cookie, origin: `http://127.0.0.1:${door.port}`, ...headers },
    });
    const answer = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve('open'));
      socket.on('error', () => {});
    });
    socket.terminate();
    expect(answer).toBe(status);
  });

  it('says when a port that was asked for is taken, and takes the next one otherwise', async () => {
    const { port } = await openDoor(makeScreens());
    await expect(openDoor(makeScreens(), port)).rejects.toMatchObject({ error: { code: 'resource-taken' } });
    const other = await openWebDoor({ screens: makeScreens(), files, port, exactPort: false });
    endings.push(() => other.close());
    expect(other.port).toBeGreaterThan(port);
  });

  it('closes a connection that sends too much at once', async () => {
    const door = await openDoor(makeScreens());
    const { cookie } = await visit(door.link());
    const headers = { cookie, origin: `http://127.0.0.1:${door.port}` };
    const socket = new WebSocket(`ws://127.0.0.1:${door.port}/rpc`, { headers });
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send('x'.repeat(3 * 1024 * 1024));
    expect(await new Promise((resolve) => socket.on('close', resolve))).toBe(1009);
    expect((await visit(door.link())).status).toBe(302);
  });
});

describe('the router over a socket', () => {
  it('answers a query, and does what a mutation asks', async () => {
    const { client } = await start();
    expect(await client.describe.query({ lab: 'synthetic' })).toContain('name: synthetic');
    const images = await client.images.query({ lab: 'synthetic', host: 'h1' });
    expect(images.map(({ name }) => name)).toContain('flatland/pod:latest');
    expect(await client.run.mutate({ lab: 'synthetic', host: 'h2', name: 'mine' })).toMatchObject({
      name: 'mine',
      state: 'running',
      declared: false,
    });
  });

  it('refuses malformed input with the error of the catalogue', async () => {
    const { client } = await start();
    const wrong: Promise<unknown>[] = [
      client.up.mutate({ kind: 'generated', hosts: 65, backend: 'vxlan' }),
      // @ts-expect-error The types of a page are no protection: this is what it may send.
      client.describe.query({ lab: 7 }),
      // @ts-expect-error Nor are its keys.
      client.describe.query({ lab: 'synthetic', also: true }),
      client.writeTerminal.mutate({ id: 'x', base64: 'not base64!' }),
      client.cancelTask.mutate({ id: 'unknown' }),
      client.closeTerminal
        .mutate({ id: 'unknown' })
        .then(() => client.reopenTerminal.mutate({ id: 'unknown' })),
      client.run.mutate({ lab: 'synthetic', host: 'h1', name: '../..' }),
      client.run.mutate({ lab: 'synthetic', host: 'h1', image: '<img src=x onerror=alert(1)>' }),
      client.uploadChunk.mutate({ id: 'unknown', offset: 0, base64: '' }),
    ];
    const codes = await Promise.all(wrong.map((call) => call.then(() => 'accepted', codeOf)));
    expect(codes).toEqual(wrong.map(() => 'input-invalid'));
  });

  it('names an unknown lab, host or file as such', async () => {
    const { client } = await start();
    const calls: Promise<unknown>[] = [
      client.describe.query({ lab: '../../etc' }),
      client.report.query({ lab: 'nowhere' }),
      client.probesAt.query({ lab: 'nowhere', at: new Date().toISOString() }),
      client.schedule.mutate({ lab: 'nowhere', schedule: null }),
      client.down.mutate({ lab: 'nowhere' }),
      client.images.query({ lab: 'synthetic', host: 'h9' }),
      client.openTerminal.mutate({ lab: 'synthetic', target: 'h9', command: [], columns: 80, rows: 24 }),
      client.up.mutate({ kind: 'file', path: 'lab.yaml', text: 'name: <img onerror>' }),
    ];
    const codes = await Promise.all(calls.map((call) => call.then(() => 'accepted', codeOf)));
    expect(codes).toEqual([
      ...Array(5).fill('lab-unknown'),
      'host-unknown',
      'host-unknown',
      'lab-file-invalid',
    ]);
    expect((await client.diagnostics.query({ lab: 'nowhere' })).startsWith('Flatland test')).toBe(true);
  });

  it('tells everything in the shapes of the contract, a snapshot first', async () => {
    const { client } = await start({ history: 50 });
    const { values, until, stop } = watch({ client }, 'synthetic');
    await client.probe.mutate({ lab: 'synthetic' });
    await client.stopHost.mutate({ lab: 'synthetic', host: 'h3' });
    await until((events) => events.filter(({ type }) => type === 'live').length > 2);
    await until((events) => events.some((event) => event.type === 'tasks'));
    stop();
    expect(values[0]?.type).toBe('snapshot');
    for (const event of values) expect(() => watchEvent.parse(event)).not.toThrow();
  });

  it('says at once that there is no such lab, and shows it when it appears', async () => {
    const { client } = await start({ state: 'none' });
    const { values, until } = watch({ client }, 'later');
    await until((events) => events.length > 0);
    expect(values[0]).toMatchObject({ type: 'snapshot', lab: null, overview: { labs: [] } });
    const { task } = await client.up.mutate({ kind: 'generated', hosts: 2, backend: 'udp', name: 'later' });
    await until((events) =>
      events.some((event) => event.type === 'snapshot' && event.lab?.lab.name === 'later'),
    );
    await until((events) =>
      events.some(
        (event) =>
          event.type === 'tasks' && event.tasks.some(({ id, state }) => id === task && state === 'done'),
      ),
    );
    await client.down.mutate({ lab: 'later' });
    await until((events) =>
      events.some((event) => event.type === 'live' && event.events.some(({ type }) => type === 'gone')),
    );
    await until((events) => events.some((event) => event.type === 'labs' && event.labs.length === 0));
  });

  it('shows the same to a second screen', async () => {
    const door = await openDoor(makeScreens());
    const [one, two] = [await enter(door), await enter(door)];
    const first = watch(one, 'synthetic');
    const second = watch(two, null);
    await Promise.all([
      first.until((events) => events.length > 0),
      second.until((events) => events.length > 0),
    ]);
    const { id } = await one.client.openTerminal.mutate({
      lab: 'synthetic',
      target: 'h1',
      command: [],
      columns: 80,
      rows: 24,
    });
    const { task } = await one.client.probe.mutate({ lab: 'synthetic' });
    for (const { until } of [first, second]) {
      await until((events) =>
        events.some(
          (event) => event.type === 'terminals' && event.terminals.some((shown) => shown.id === id),
        ),
      );
      await until((events) =>
        events.some(
          (event) =>
            event.type === 'tasks' &&
            event.tasks.some((shown) => shown.id === task && shown.state === 'done'),
        ),
      );
    }
    await two.client.dismissTask.mutate({ id: task });
    await first.until((events) =>
      events.some((event) => event.type === 'tasks-removed' && event.ids.includes(task)),
    );
  });

  it('has 10,000 entries of history in its first word', async () => {
    const { client } = await start({ history: 10_000 });
    const { values, until } = watch({ client }, 'synthetic');
    const histories = (events: readonly WatchEvent[]) =>
      events
        .flatMap((event) =>
          event.type === 'snapshot'
            ? [{ entries: event.lab?.history ?? [] }]
            : event.type === 'live'
              ? event.events.flatMap((one) => (one.type === 'history' ? [one] : []))
              : [],
        )
        .reduce((sum, { entries }) => sum + entries.length, 0);
    await until((events) => histories(events) >= 10_000);
    expect(values.length).toBeGreaterThan(0);
  });

  it('repeats probes while somebody looks, one round after the other', async () => {
    const { client } = await start();
    const { until } = watch({ client }, 'synthetic');
    await until((events) => events.length > 0);
    await client.schedule.mutate({
      lab: 'synthetic',
      schedule: { everySeconds: 1, selection: { from: 'web-1', to: null, kinds: ['ping'] } },
    });
    await until(
      (events) =>
        events.filter((event) => event.type === 'live' && event.events.some((one) => one.type === 'probes'))
          .length >= 2,
    );
    await until((events) => events.filter((event) => event.type === 'schedule').length >= 2);
    await client.schedule.mutate({ lab: 'synthetic', schedule: null });
    await until((events) => events.some((event) => event.type === 'schedule' && event.schedule === null));
  });

  it('draws a ladder that grows and ends', async () => {
    const { client } = await start();
    const seen = collect<{ rungs: readonly unknown[]; largest: number | null }>();
    await new Promise<void>((resolve, reject) => {
      const request = { lab: 'synthetic', from: 'web-1', to: 'web-2' };
      client.ladder.subscribe(request, { onData: seen.onData, onComplete: resolve, onError: reject });
    });
    const last = seen.values.at(-1);
    expect(last?.largest).toBe(1450);
    expect(seen.values.length).toBeGreaterThan(1);
  });

  it('streams the log of a pod until the reader leaves', async () => {
    const { client } = await start();
    const seen = collect<OutputEvent>();
    const request = { lab: 'synthetic', pod: 'web-1', follow: false, lines: 5 };
    await new Promise<void>((resolve, reject) => {
      client.podLogs.subscribe(request, { onData: seen.onData, onComplete: resolve, onError: reject });
    });
    expect(textOf(seen.values).trimEnd().split('\n')).toHaveLength(5);
    expect(seen.values.at(-1)).toEqual({ type: 'ended', code: 0 });
    const following = collect<OutputEvent>();
    const subscription = client.podLogs.subscribe({ ...request, follow: true }, { onData: following.onData });
    await following.until((events) => textOf(events).split('\n').length > 6);
    subscription.unsubscribe();
  });

  it('takes a file in chunks that follow each other, and loads it', async () => {
    const { client } = await start();
    const { until } = watch({ client }, null);
    const { id } = await client.beginUpload.mutate({ name: 'image.tar', bytes: 6 });
    expect(await client.uploadChunk.mutate({ id, offset: 3, base64: base64('def') }).catch(codeOf)).toBe(
      'input-invalid',
    );
    const load = { lab: 'synthetic', hosts: ['h1', 'h2'], upload: id };
    await client.uploadChunk.mutate({ id, offset: 0, base64: base64('abc') });
    expect(await client.loadImage.mutate(load).catch(codeOf)).toBe('input-invalid');
    await client.uploadChunk.mutate({ id, offset: 3, base64: base64('def') });
    const begun = await client.loadImage.mutate(load);
    await until((events) =>
      events.some(
        (event) =>
          event.type === 'tasks' &&
          event.tasks.some(
            (task) => task.id === z.object({ task: z.string() }).parse(begun).task && task.state === 'done',
          ),
      ),
    );
    expect(await client.loadImage.mutate(load).catch(codeOf)).toBe('input-invalid');
  });
});

describe('a terminal', () => {
  const open = { lab: 'synthetic', target: 'h1', command: [], columns: 80, rows: 24 };

  it('is read and written, and survives the screen', async () => {
    const door = await openDoor(makeScreens());
    const { cookie } = await visit(door.link());
    const one = await enter(door, cookie);
    const { id } = await one.client.openTerminal.mutate(open);
    const seen = collect<OutputEvent>();
    one.client.terminalOutput.subscribe({ id, from: 0 }, { onData: seen.onData });
    await one.client.resizeTerminal.mutate({ id, columns: 101, rows: 33 });
    await one.client.writeTerminal.mutate({ id, base64: base64('stty size\r') });
    await seen.until((events) => textOf(events).includes('33 101'));
    one.close();

    const two = await enter(door, cookie);
    await two.client.writeTerminal.mutate({ id, base64: base64('echo still here\r') });
    const again = collect<OutputEvent>();
    two.client.terminalOutput.subscribe({ id, from: 0 }, { onData: again.onData });
    await again.until((events) => textOf(events).includes('still here\r\n'));
    expect(textOf(again.values)).toContain('33 101');
    for (const event of again.values) expect(() => outputEvent.parse(event)).not.toThrow();
    // A screen that was there before goes on where it stopped.
    const from = again.values.length - 1;
    const rest = collect<OutputEvent>();
    two.client.terminalOutput.subscribe({ id, from }, { onData: rest.onData });
    await rest.until((events) => events.length > 0);
    expect(rest.values[0]).toMatchObject({ type: 'output', sequence: from });
  });

  it('says how its command ended, and opens again in the same stream', async () => {
    const { client } = await start();
    const { id } = await client.openTerminal.mutate(open);
    const seen = collect<OutputEvent>();
    client.terminalOutput.subscribe({ id, from: 0 }, { onData: seen.onData });
    await client.writeTerminal.mutate({ id, base64: base64('exit 3\r') });
    await seen.until((events) => events.some(({ type }) => type === 'ended'));
    expect(seen.values).toContainEqual({ type: 'ended', code: 3 });
    expect(await client.writeTerminal.mutate({ id, base64: base64('x') }).catch(codeOf)).toBe(
      'input-invalid',
    );
    await client.reopenTerminal.mutate({ id });
    await seen.until((events) => /exit 3[\s\S]*opened again[\s\S]*Welcome to h1/.test(textOf(events)));
    const sequences = seen.values.flatMap((event) => (event.type === 'output' ? [event.sequence] : []));
    expect(sequences).toEqual(sequences.map((_, index) => index));
  });

  it('is lost with its host, and comes back with it', async () => {
    const { client } = await start();
    const { id } = await client.openTerminal.mutate(open);
    const seen = collect<OutputEvent>();
    client.terminalOutput.subscribe({ id, from: 0 }, { onData: seen.onData });
    await client.stopHost.mutate({ lab: 'synthetic', host: 'h1' });
    await seen.until((events) => events.some(({ type }) => type === 'lost'));
    expect(await client.reopenTerminal.mutate({ id }).catch(codeOf)).toBe('host-lost');
    const stream = watch({ client }, null);
    const { task } = await client.repair.mutate({ lab: 'synthetic' });
    await stream.until((events) =>
      events.some(
        (event) =>
          event.type === 'tasks' && event.tasks.some((one) => one.id === task && one.state === 'done'),
      ),
    );
    await client.reopenTerminal.mutate({ id });
    await client.writeTerminal.mutate({ id, base64: base64('hostname\r') });
    await seen.until((events) => textOf(events).includes('hostname\r\nh1\r\n'));
  });

  it('waits for a slow screen: a flood neither fills the memory nor loses its end', async () => {
    const { client } = await start();
    const { id } = await client.openTerminal.mutate({ ...open, command: ['yes', 'flood'] });
    const seen = collect<OutputEvent>();
    client.terminalOutput.subscribe({ id, from: 0 }, { onData: seen.onData });
    const before = process.memoryUsage().rss;
    await seen.until((events) => textOf(events.slice(-1)).includes('flood') && events.length > 500);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
    await client.closeTerminal.mutate({ id });
  });
});

describe('a backend that ends and is started again under an open page', () => {
  it('is found again by the page, which begins with a snapshot', async () => {
    const key = Buffer.from('the same in both processes');
    const first = await openWebDoor({ screens: makeScreens(), files, port: 0, exactPort: false, key });
    const browser = await enter(first);
    const { values, until } = watch(browser, 'synthetic');
    await until((events) => events.length > 0);
    await first.close();
    const second = await openWebDoor({
      screens: makeScreens({ hosts: 5 }),
      files,
      port: first.port,
      exactPort: true,
      key,
    });
    endings.push(() => second.close());
    await until((events) =>
      events.some((event) => event.type === 'snapshot' && event.lab?.hosts.length === 5),
    );
    expect(values[0]).toMatchObject({ type: 'snapshot' });
    expect(await browser.client.describe.query({ lab: 'synthetic' })).toContain('h5');
  });

  it('does not know a session that another key made', async () => {
    const first = await openDoor(makeScreens());
    const second = await openDoor(makeScreens());
    const { cookie } = await visit(first.link());
    const session = cookie.split('=')[1] ?? '';
    const page = await fetch(`http://127.0.0.1:${second.port}/`, {
      headers: { cookie: `flatland-${second.port}=${session}` },
    });
    expect(page.status).toBe(401);
  });
});
