import { IpcSocket } from './ipc.ts';
import { PromptSocket } from './prompt-socket.ts';

/** What the RPC client dials: the desktop app's bridge where there is one, else a WebSocket to where the page came from. */
export function socketOfThisPage(): { url: string; WebSocket: typeof WebSocket } {
  if (IpcSocket.available()) return { url: 'ipc://flatland', WebSocket: IpcSocket.asWebSocket() };
  const { protocol, host } = window.location;
  return { url: `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/rpc`, WebSocket: PromptSocket };
}
