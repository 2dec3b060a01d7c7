import { contextBridge, ipcRenderer } from 'electron';
import type { DesktopBridge, SocketAnswer, SocketRequest } from '../../../contract/desktop.ts';
import { commandChannel, rpcChannel, themeChannel } from './channels.ts';

type SocketListener = Parameters<DesktopBridge['connect']>[0];

let latest = 0;
let current: { readonly connection: number; readonly listener: SocketListener } | null = null;
const request = (message: SocketRequest) => ipcRenderer.send(rpcChannel, message);

ipcRenderer.on(rpcChannel, (_event, answer: SocketAnswer) => {
  if (answer.connection !== current?.connection) return;
  const { listener } = current;
  if (answer.type === 'text') return listener.text(answer.text);
  if (answer.type === 'opened') return listener.opened();
  current = null;
  listener.closed();
});

const listeners = new Set<(command: unknown) => void>();
const waiting: unknown[] = [];
ipcRenderer.on(commandChannel, (_event, command: unknown) => {
  if (listeners.size === 0) waiting.push(command);
  for (const listener of listeners) listener(command);
});

const bridge: DesktopBridge = {
  platform: process.platform,
  connect: (listener) => {
    const connection = ++latest;
    current = { connection, listener };
    request({ type: 'open', connection });
    return {
      send: (text) => request({ type: 'text', connection, text: String(text) }),
      close: () => request({ type: 'close', connection }),
    };
  },
  onCommand: (listener) => {
    listeners.add(listener);
    for (const command of waiting.splice(0)) listener(command);
    return () => listeners.delete(listener);
  },
  setTheme: (theme) => ipcRenderer.send(themeChannel, theme),
};

// It freezes what it hands to the page.
contextBridge.exposeInMainWorld('flatland', bridge);
