import type { FlatlandError } from '../../contract/error.ts';
import type { OutputEvent } from '../../contract/watch.ts';
import { type Client, toError } from '../rpc/client.ts';
import { fromBase64 } from './base64.ts';
import { addText, type LogText, noLines } from './log-lines.ts';
import { type LogSource, useTabs } from './tabs.ts';

/** Where a log stands. */
export type LogState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'streaming' }
  | { readonly kind: 'ended'; readonly code: number }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: FlatlandError };

export interface LogView {
  readonly text: LogText;
  readonly state: LogState;
}

/** A log as it comes in. It goes on while its tab is not shown, and ends with it. */
export interface LogFeed {
  readonly listen: (listener: () => void) => () => void;
  readonly view: () => LogView;
  readonly clear: () => void;
  readonly restart: () => void;
}

const linesKept = 20_000;
const linesAsked = 1000;
const paceMilliseconds = 60;
const feeds = new Map<string, LogFeed & { readonly stop: () => void }>();

function open(client: Client, source: LogSource): LogFeed & { readonly stop: () => void } {
  const listeners = new Set<() => void>();
  let view: LogView = { text: noLines, state: { kind: 'waiting' } };
  let waiting = '';
  let fresh = true;
  let decoder = new TextDecoder();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let subscription: { unsubscribe(): void } = { unsubscribe: () => {} };

  function show(change: Partial<LogView>): void {
    view = { ...view, ...change };
    for (const listener of listeners) listener();
  }
  /** Many chunks may come at once: the screen is told of them together. */
  function flush(): void {
    timer = null;
    const text = addText(view.text, waiting, linesKept);
    waiting = '';
    show({ text });
  }
  function receive(event: OutputEvent): void {
    if (event.type !== 'output') {
      if (timer !== null) clearTimeout(timer);
      flush();
      show({
        state:
          event.type === 'ended'
            ? { kind: 'ended', code: event.code }
            : { kind: 'lost', reason: event.reason },
      });
      return;
    }
    if (fresh) {
      // After a reconnection the same lines come again.
      decoder = new TextDecoder();
      waiting = '';
      view = { text: noLines, state: { kind: 'streaming' } };
      fresh = false;
    }
    waiting += decoder.decode(fromBase64(event.base64), { stream: true });
    timer ??= setTimeout(flush, paceMilliseconds);
  }
  function follow(): void {
    subscription.unsubscribe();
    fresh = true;
    show({ state: { kind: 'waiting' } });
    const callbacks = {
      onData: receive,
      onStarted: () => {
        fresh = true;
        if (view.state.kind === 'waiting') show({ state: { kind: 'streaming' } });
      },
      onError: (error: unknown) => show({ state: { kind: 'failed', error: toError(error) } }),
    };
    const wanted = { lab: source.lab, follow: true, lines: linesAsked };
    subscription =
      source.kind === 'host'
        ? client.hostLogs.subscribe({ ...wanted, host: source.host, service: source.service }, callbacks)
        : client.podLogs.subscribe({ ...wanted, pod: source.pod }, callbacks);
  }

  follow();
  return {
    listen: (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    view: () => view,
    clear: () => show({ text: { ...view.text, lines: [] } }),
    restart: follow,
    stop: () => {
      subscription.unsubscribe();
      if (timer !== null) clearTimeout(timer);
    },
  };
}

let watching = false;
function watchTabs(): void {
  if (watching) return;
  watching = true;
  useTabs.subscribe(({ logs }, before) => {
    if (logs === before.logs) return;
    for (const [id, feed] of feeds) {
      if (logs.some((tab) => tab.id === id)) continue;
      feed.stop();
      feeds.delete(id);
    }
  });
}

/** The feed of a log's tab: the one that there is, or a new one. */
export function feedOf(client: Client, id: string, source: LogSource): LogFeed {
  watchTabs();
  const feed = feeds.get(id) ?? open(client, source);
  feeds.set(id, feed);
  return feed;
}
