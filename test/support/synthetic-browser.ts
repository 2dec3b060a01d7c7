import { createTRPCClient, createWSClient, type TRPCClient, TRPCClientError, wsLink } from '@trpc/client';
import { type ClientOptions, WebSocket } from 'ws';
import { z } from 'zod';
import { type ErrorCode, flatlandError } from '../../contract/error.ts';
import type { Procedures } from '../../main/rpc/procedures.ts';

/** Trades the token of a link for a cookie, as a browser does. */
export async function visit(link: string): Promise<{ readonly status: number; readonly cookie: string }> {
  const response = await fetch(link, { redirect: 'manual' });
  await response.arrayBuffer();
  return { status: response.status, cookie: (response.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

export interface Browser {
  readonly client: TRPCClient<Procedures>;
  /** Settles with the next connection. */
  connected(): Promise<void>;
  close(): void;
}

/** The screens' own client with the headers that a browser would send. It dials again by itself. */
export function openBrowser(port: number, cookie: string): Browser {
  let tell = () => {};
  let next = new Promise<void>((resolve) => {
    tell = resolve;
  });
  class BrowserSocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      const headers = { cookie, origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'same-origin' };
      super(url, protocols, { headers } satisfies ClientOptions);
    }
  }
  const socket = createWSClient({
    url: `ws://127.0.0.1:${port}/rpc`,
    // It has all of the browser's that the client uses.
    WebSocket: BrowserSocket as unknown as typeof globalThis.WebSocket,
    retryDelayMs: () => 50,
    onOpen: () => {
      tell();
      next = new Promise((resolve) => {
        tell = resolve;
      });
    },
  });
  return {
    client: createTRPCClient<Procedures>({ links: [wsLink({ client: socket })] }),
    connected: () => next,
    close: () => void socket.close(),
  };
}

/** The catalogue's code of what a call failed with. */
export function codeOf(thrown: unknown): ErrorCode {
  if (!(thrown instanceof TRPCClientError)) throw thrown;
  return z.object({ flatland: flatlandError }).parse(thrown.data).flatland.code;
}

/** Collects what a stream tells; `until` settles once that satisfies. */
export function collect<T>(): {
  readonly values: T[];
  readonly onData: (value: T) => void;
  until(satisfied: (values: readonly T[]) => boolean): Promise<void>;
} {
  const values: T[] = [];
  const checks = new Set<() => void>();
  return {
    values,
    onData: (value) => {
      values.push(value);
      for (const check of checks) check();
    },
    until: (satisfied) =>
      new Promise((resolve) => {
        const check = () => {
          if (!satisfied(values)) return;
          checks.delete(check);
          resolve();
        };
        checks.add(check);
        check();
      }),
  };
}
