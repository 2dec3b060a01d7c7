import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { agentStatus } from '../../contract/agent.ts';
import { createBoard } from './board.ts';
import { serveStatus } from './serve.ts';

let directory: string;
let socket: string;
let close: (() => Promise<void>) | null = null;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flt-status-'));
  socket = join(directory, 'run', 'agent.sock');
});
afterEach(async () => {
  await close?.();
  close = null;
  rmSync(directory, { recursive: true, force: true });
});

async function serve(health: { ip: string; port: number } | null = null) {
  const board = createBoard('1.2.3');
  const server = await serveStatus(board, { socket, health });
  close = server.close;
  return board;
}

function ask(where: object, path: string, method = 'GET'): Promise<{ code: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, path, method }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    });
    asked.on('error', reject).end();
  });
}
const get = (path: string, method?: string) => ask({ socketPath: socket }, path, method);

test('the status is what the contract says, with the age of the answer', async () => {
  const board = await serve();
  board.update({ subnet: '10.77.1.0/24', phase: 'ready' });
  const first = agentStatus.parse(JSON.parse((await get('/status')).text));
  expect(first).toMatchObject({ version: '1.2.3', phase: 'ready', subnet: '10.77.1.0/24' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const second = agentStatus.parse(JSON.parse((await get('/status')).text));
  expect(second.at > first.at).toBe(true);
  expect(second.startedAt).toBe(first.startedAt);
});

test('only root may use the socket, and it goes away at the end', async () => {
  await serve();
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  await close?.();
  close = null;
  expect(existsSync(socket)).toBe(false);
});

test('health and readiness', async () => {
  const board = await serve();
  expect(await get('/healthz')).toEqual({ code: 200, text: 'flanneld is running' });
  board.update({ phase: 'waiting', waitingFor: 'etcd' });
  expect(await get('/readyz')).toEqual({ code: 503, text: 'flanneld is not ready: etcd' });
  board.update({ phase: 'ready', waitingFor: null });
  expect((await get('/readyz')).code).toBe(200);
  expect((await get('/other')).code).toBe(404);
  expect((await get('/status', 'POST')).code).toBe(405);
});

test('the network gets health and metrics, not the status', async () => {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
  await serve({ ip: '127.0.0.1', port });
  const where = { host: '127.0.0.1', port };
  expect((await ask(where, '/healthz')).code).toBe(200);
  expect((await ask(where, '/metrics')).text).toContain('flatland_agent_ready 0\n');
  expect((await ask(where, '/status')).code).toBe(404);
  expect((await ask(where, '/events')).code).toBe(404);
  await expect(
    serveStatus(createBoard('x'), { socket: null, health: { ip: '127.0.0.1', port } }),
  ).rejects.toThrow(/EADDRINUSE/);
});

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  for await (const part of response.setEncoding('utf8')) {
    rest += String(part);
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line !== '') yield line;
  }
}
const openEvents = (accept: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request({ socketPath: socket, path: '/events', headers: { accept } }, resolve).on('error', reject).end();
  });

test('events are the status now and every change of it', async () => {
  const board = await serve();
  const response = await openEvents('*/*');
  const events = lines(response);
  const next = async () => agentStatus.parse(JSON.parse(String((await events.next()).value)));
  expect((await next()).subnet).toBeNull();
  board.update({ subnet: '10.77.1.0/24' });
  board.update({ subnet: '10.77.1.0/24' });
  board.update({ repairs: 1 });
  expect(await next()).toMatchObject({ subnet: '10.77.1.0/24', repairs: 0 });
  expect(await next()).toMatchObject({ subnet: '10.77.1.0/24', repairs: 1 });
  response.destroy();
});

test('a reader that wants server-sent events gets them', async () => {
  await serve();
  const response = await openEvents('text/event-stream');
  expect(response.headers['content-type']).toBe('text/event-stream');
  expect((await lines(response).next()).value).toMatch(/^data: \{/);
  response.destroy();
});

test("a dead agent's socket is taken over, a living one's is not", async () => {
  await serve();
  await expect(serve()).rejects.toThrow(`another agent listens at ${socket}`);
  await close?.();
  // What a killed process leaves: a socket that nobody listens at.
  const { spawnSync } = await import('node:child_process');
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(existsSync(socket)).toBe(true);
  await serve();
  expect((await get('/healthz')).code).toBe(200);
});

test('a file that is no socket is left alone', async () => {
  socket = join(directory, 'file');
  writeFileSync(socket, 'precious');
  await expect(serve()).rejects.toThrow('exists and is no socket');
  expect(existsSync(socket)).toBe(true);
});
