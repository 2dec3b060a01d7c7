import type { DesktopBridge } from '../../contract/desktop.ts';

declare global {
  interface Window {
    /** Set by the preload script of the desktop app; absent in a browser. */
    readonly flatland?: DesktopBridge;
  }
}

/** The desktop app's bridge; null in a browser. */
export const desktopBridge = (): DesktopBridge | null => window.flatland ?? null;

/**
 * A socket over the desktop app's bridge with as much of WebSocket's interface as an RPC client uses. Its events are `open`,
 * `message` (with the text as `data`) and `close`.
 */
export class IpcSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = IpcSocket.CONNECTING;
  readonly OPEN = IpcSocket.OPEN;
  readonly CLOSING = IpcSocket.CLOSING;
  readonly CLOSED = IpcSocket.CLOSED;

  /** Whether this page runs in the desktop app. */
  static available(): boolean {
    return desktopBridge() !== null;
  }

  /** The class as it is handed to a client that expects the browser's own. */
  static asWebSocket(): typeof WebSocket {
    // It has what the RPC client uses of a WebSocket, which is not all of it.
    return IpcSocket as unknown as typeof WebSocket;
  }

  readonly url: string;
  readyState: number = IpcSocket.CONNECTING;
  binaryType: BinaryType = 'arraybuffer';
  readonly #connection: ReturnType<DesktopBridge['connect']>;

  constructor(url: string | URL) {
    super();
    this.url = String(url);
    const bridge = desktopBridge();
    if (bridge === null) throw new Error('this page does not run in the desktop app');
    this.#connection = bridge.connect({
      opened: () => {
        if (this.readyState !== IpcSocket.CONNECTING) return;
        this.readyState = IpcSocket.OPEN;
        this.dispatchEvent(new Event('open'));
      },
      text: (text) => {
        if (this.readyState === IpcSocket.OPEN)
          this.dispatchEvent(new MessageEvent('message', { data: text }));
      },
      closed: () => this.#end(),
    });
  }

  send(text: string): void {
    if (this.readyState === IpcSocket.CONNECTING) throw new DOMException('Not open yet', 'InvalidStateError');
    if (this.readyState === IpcSocket.OPEN) this.#connection.send(text);
  }

  close(): void {
    if (this.readyState >= IpcSocket.CLOSING) return;
    this.readyState = IpcSocket.CLOSING;
    this.#connection.close();
    // As a browser does it, the event comes after the call.
    queueMicrotask(() => this.#end());
  }

  #end(): void {
    if (this.readyState === IpcSocket.CLOSED) return;
    this.readyState = IpcSocket.CLOSED;
    this.dispatchEvent(new Event('close'));
  }
}
