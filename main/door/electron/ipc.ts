import { EventEmitter } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { getWSConnectionHandler } from '@trpc/server/adapters/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { type SocketAnswer, socketRequest } from '../../../contract/desktop.ts';
import { procedures } from '../../rpc/procedures.ts';
import type { Screens } from '../../rpc/screens.ts';
import { rpcChannel } from './channels.ts';
import type { ContentsPart } from './parts.ts';
import { isTrustedSender } from './policy.ts';

const open = 1;
const closed = 3;

/** One end of a socket, as far as tRPC's handler looks at one. */
function createSocket(send: (text: string) => void, onClose: () => void) {
  const events = new EventEmitter();
  const socket = Object.assign(events, {
    readyState: open,
    send,
    close: () => {
      if (socket.readyState === closed) return;
      socket.readyState = closed;
      events.emit('close');
      onClose();
    },
    terminate: () => socket.close(),
  });
  return socket;
}

/** Serves the router to windows; `onFailure` gets what a procedure failed of unexpectedly. */
export function createIpcServer(screens: Screens, onFailure: (thrown: unknown) => void) {
  const accept = getWSConnectionHandler({
    router: procedures,
    createContext: () => ({ screens }),
    // It is asked for nothing: each window hands over its sockets itself.
    wss: new WebSocketServer({ noServer: true }),
    onError: ({ error }) => {
      if (error.code === 'INTERNAL_SERVER_ERROR') onFailure(error.cause ?? error);
    },
  });

  /**
   * Serves a window that shows `page`: one socket at a time, which ends with the document that opened it. A message that is
   * malformed, too long or from another sender is not answered.
   */
  return (contents: ContentsPart, page: string): void => {
    let current: { readonly connection: number; readonly socket: ReturnType<typeof createSocket> } | null =
      null;
    const answer = (message: SocketAnswer) => {
      if (!contents.isDestroyed()) contents.send(rpcChannel, message);
    };
    const end = () => current?.socket.close();
    const begin = (connection: number) => {
      end();
      const socket = createSocket(
        (text) => answer({ type: 'text', connection, text }),
        () => {
          current = null;
          answer({ type: 'closed', connection });
        },
      );
      current = { connection, socket };
      // It uses the few members that are there, and asks the request for its URL alone.
      accept(socket as unknown as WebSocket, new IncomingMessage(new Socket()));
      answer({ type: 'opened', connection });
    };
    contents.ipc.on(rpcChannel, ({ senderFrame }, message) => {
      if (!isTrustedSender(page, senderFrame)) return;
      const parsed = socketRequest.safeParse(message);
      if (!parsed.success) return end();
      const request = parsed.data;
      if (request.type === 'open') return begin(request.connection);
      if (request.connection !== current?.connection) return;
      if (request.type === 'close') return end();
      current.socket.emit('message', Buffer.from(request.text), false);
    });
    contents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) end();
    });
    contents.on('render-process-gone', end);
    contents.on('destroyed', end);
  };
}
