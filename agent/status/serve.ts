import { lstat, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { StatusBoard } from './board.ts';
import { formatMetrics, readProcessUse } from './metrics.ts';

/** A reader of events hears at least this often from us, so that it can tell a quiet agent from a dead one. */
const heartbeatMilliseconds = 5000;
const mostConnections = 64;

function answer(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

/** Sends the status, and every change of it, as lines of JSON, or as server-sent events to those who ask for them. */
function streamEvents(board: StatusBoard, request: IncomingMessage, response: ServerResponse): void {
  const asEvents = (request.headers.accept ?? '').includes('text/event-stream');
  response.writeHead(200, {
    'content-type': asEvents ? 'text/event-stream' : 'application/x-ndjson',
    'cache-control': 'no-store',
  });
  let waiting = false;
  let missed = false;
  const send = () => {
    // A slow reader misses what lies between; it is the newest status that counts.
    if (waiting) {
      missed = true;
      return;
    }
    missed = false;
    const line = JSON.stringify(board.current());
    waiting = !response.write(asEvents ? `data: ${line}\n\n` : `${line}\n`);
  };
  response.on('drain', () => {
    waiting = false;
    if (missed) send();
  });
  const unsubscribe = board.subscribe(send);
  const heartbeat = setInterval(send, heartbeatMilliseconds);
  response.on('error', () => response.destroy());
  response.on('close', () => {
    clearInterval(heartbeat);
    unsubscribe();
  });
  send();
}

/** flannel's health paths and the metrics everywhere; the status itself only on the socket. */
function handler(board: StatusBoard, withStatus: boolean) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD')
      answer(response, 405, 'text/plain', 'only GET\n');
    else if (path === '/healthz') answer(response, 200, 'text/plain', 'flanneld is running');
    else if (path === '/readyz') {
      const { phase, waitingFor } = board.current();
      if (phase === 'ready') answer(response, 200, 'text/plain', 'flanneld is ready');
      else answer(response, 503, 'text/plain', `flanneld is not ready: ${waitingFor ?? phase}`);
    } else if (path === '/metrics')
      answer(
        response,
        200,
        'text/plain; version=0.0.4; charset=utf-8',
        formatMetrics(board.current(), readProcessUse()),
      );
    else if (withStatus && path === '/status')
      answer(response, 200, 'application/json', JSON.stringify(board.current()));
    else if (withStatus && path === '/events') streamEvents(board, request, response);
    else answer(response, 404, 'text/plain', 'no such path\n');
  };
}

const listening = (server: Server, listen: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.removeListener('error', reject);
      server.on('error', () => {});
      resolve();
    });
    listen();
  });

const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.on('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });

/** Takes a dead agent's socket away; a living one's, or what is no socket, is not ours to take. */
async function clearSocket(path: string): Promise<void> {
  const known = await lstat(path).catch(() => null);
  if (known === null) return;
  if (!known.isSocket()) throw new Error(`${path} exists and is no socket`);
  if (await isAnswered(path)) throw new Error(`another agent listens at ${path}`);
  await rm(path, { force: true });
}

/**
 * Serves the status on a Unix socket that only root may use, and flannel's health paths and the metrics there
 * and, if wished, on TCP.
 * Throws when one of them can't be had.
 */
export async function serveStatus(
  board: StatusBoard,
  where: { readonly socket: string | null; readonly health: { ip: string; port: number } | null },
): Promise<{ close(): Promise<void> }> {
  const servers: Server[] = [];
  const open = async (withStatus: boolean, listen: (server: Server) => void) => {
    const server = createServer(handler(board, withStatus));
    server.maxConnections = mostConnections;
    await listening(server, () => listen(server));
    servers.push(server);
  };
  const close = async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    // Closing a server takes its socket's file away with it.
    await Promise.all(servers.map((server) => new Promise((resolve) => server.once('close', resolve))));
  };
  const { socket, health } = where;
  try {
    if (socket !== null) {
      await mkdir(dirname(socket), { recursive: true, mode: 0o755 });
      await clearSocket(socket);
      await open(true, (server) => {
        // Binding happens within the call, so that the socket is never there with a wider mode.
        const before = process.umask(0o177);
        try {
          server.listen(socket);
        } finally {
          process.umask(before);
        }
      });
    }
    if (health !== null) await open(false, (server) => server.listen(health.port, health.ip));
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
