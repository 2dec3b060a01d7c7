import { randomBytes } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { failure } from '../../failure.ts';
import { procedures, type RpcContext } from '../../rpc/procedures.ts';
import type { Screens } from '../../rpc/screens.ts';
import { findFile, securityHeaders } from '../files.ts';
import { judgeRequest, judgeUpgrade, sessionCookie } from './guard.ts';
import { plainPage } from './page.ts';
import { openSecrets } from './secrets.ts';

const address = '127.0.0.1';
const portsTried = 20;
const largestMessage = 2 * 1024 * 1024;
/** A screen that is so far behind is told nothing more until it has caught up. */
const mostUnsent = 1024 * 1024;
const goodbyeMilliseconds = 1000;

/** The screens on a loopback port. */
export interface WebDoor {
  readonly port: number;
  /** A link that lets one browser in, once. */
  link(): string;
  /** Browsers' connections at this moment. */
  connections(): number;
  /** Tells screens to come back later, and ends. */
  close(): Promise<void>;
}

/** Listens on the first free port from `port` on; resolves to null when none of them is. */
async function listen(server: Server, port: number, tries: number): Promise<number | null> {
  for (let offset = 0; offset < tries; offset += 1) {
    const problem = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
      server.once('error', resolve);
      server.listen({ host: address, port: port === 0 ? 0 : port + offset }, () => {
        server.off('error', resolve);
        resolve(null);
      });
    });
    if (problem === null) return (server.address() as AddressInfo).port;
    if (problem.code !== 'EADDRINUSE' && problem.code !== 'EACCES') throw problem;
  }
  return null;
}

/** Settles when little waits to be sent to a screen, or nothing can be sent any more. */
async function drained(client: WebSocket, socket: Duplex): Promise<void> {
  while (client.readyState === client.OPEN && client.bufferedAmount > mostUnsent && !socket.destroyed)
    await new Promise<void>((resolve) => {
      const done = () => {
        socket.off('drain', done);
        socket.off('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
}

/**
 * Serves the built screens in `files` and the router behind them on 127.0.0.1. A port that was asked for by number is taken or
 * nothing is (`resource-taken`); otherwise the next free one is. Browsers that were let in stay so for whoever serves with the same
 * `key`. `token` is one that stays good: for development.
 */
export async function openWebDoor(options: {
  readonly screens: Screens;
  readonly files: string;
  readonly port: number;
  readonly exactPort: boolean;
  readonly key?: Uint8Array;
  readonly token?: string;
  readonly onFailure?: (thrown: unknown) => void;
}): Promise<WebDoor> {
  const { screens, files, onFailure = () => {} } = options;
  const secrets = openSecrets(options.key ?? randomBytes(32), options.token ?? null);
  let port = options.port;

  const send = (response: ServerResponse, status: number, headers: Record<string, string>, body: string) => {
    response.writeHead(status, { ...securityHeaders, 'cache-control': 'no-store', ...headers });
    response.end(body);
  };
  const sendPage = (response: ServerResponse, status: number, title: string, sentences: readonly string[]) =>
    send(response, status, { 'content-type': 'text/html; charset=utf-8' }, plainPage(title, sentences));
  const toTheTerminal = [
    'The link in the terminal where `flatland ui` runs opens it. Each link is good for one browser.',
    'Press Enter there for a fresh one.',
  ];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const judged = judgeRequest(request, port, secrets.isSession);
    switch (judged.kind) {
      case 'refused':
        if (judged.status === 401) sendPage(response, 401, judged.reason, toTheTerminal);
        else sendPage(response, judged.status, judged.reason, []);
        return;
      case 'exchange': {
        const session = secrets.exchange(judged.token);
        if (session === null) {
          // A reload of the link in a browser that is already in is no mistake.
          if (
            judgeRequest({ method: 'GET', url: '/', headers: request.headers }, port, secrets.isSession)
              .kind === 'file'
          )
            send(response, 302, { location: '/' }, '');
          else sendPage(response, 401, 'This link was used already.', toTheTerminal);
        } else send(response, 302, { location: '/', 'set-cookie': sessionCookie(session, port) }, '');
        return;
      }
      case 'file': {
        const file = await findFile(files, judged.pathname);
        if (file !== null) {
          response.writeHead(200, { ...file.headers, 'content-length': String(file.contents.length) });
          response.end(request.method === 'HEAD' ? undefined : file.contents);
        } else if (judged.pathname === '/')
          sendPage(response, 404, 'The screens are not built.', ['`npm run build:screens` builds them.']);
        // The screens' places are behind a #, so any other path is an old or mistyped one.
        else if (/\.[a-z0-9]+$/i.test(judged.pathname)) sendPage(response, 404, 'There is no such file.', []);
        else send(response, 302, { location: '/' }, '');
      }
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((thrown) => {
      onFailure(thrown);
      if (response.headersSent) response.destroy();
      else sendPage(response, 500, 'Something went wrong.', []);
    });
  });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: largestMessage });
  const rpc = applyWSSHandler({
    wss: sockets,
    router: procedures,
    createContext: ({ req, res }): RpcContext => ({ screens, drained: () => drained(res, req.socket) }),
    keepAlive: { enabled: true, pingMs: 15_000, pongWaitMs: 10_000 },
    onError: ({ error }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR') onFailure(error.cause ?? error);
    },
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = judgeUpgrade(request, port, secrets.isSession);
    if (refusal === null)
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request));
    else
      socket.end(
        `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
  });

  const found = await listen(server, port, options.exactPort ? 1 : portsTried);
  if (found === null) {
    throw failure('resource-taken', `Port ${port} is in use by another program.`, {
      hint: 'Leave out --port and a free one is taken.',
    });
  }
  port = found;

  return {
    port,
    link: () => `http://${address}:${port}/?token=${secrets.newToken()}`,
    connections: () => sockets.clients.size,
    close: async () => {
      rpc.broadcastReconnectNotification();
      for (const client of sockets.clients) client.close(1001);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
        server.closeAllConnections();
      }, goodbyeMilliseconds);
      await closed;
      clearTimeout(timer);
    },
  };
}
