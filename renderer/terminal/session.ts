import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';
import type { OutputEvent } from '../../contract/watch.ts';
import type { Client } from '../rpc/client.ts';
import { useStream } from '../stream/store.ts';
import { watchTheme } from '../ui/chart-theme.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { createInputQueue } from './input-queue.ts';
import { drawerKey } from './keys.ts';
import { readLook } from './look.ts';
import { predecessorOf, wasOpenedHere } from './open.ts';
import { outputStep } from './output-order.ts';
import { type Paste, readPaste } from './paste.ts';
import { onMac } from './platform.ts';
import { useTabs } from './tabs.ts';
import { markedLinks, webLinks } from './terminal-links.ts';

/** Which of the hits of a search is shown, counted from 1; `index` is null when there are too many to say. */
export interface Hits {
  readonly index: number | null;
  readonly count: number;
}

/** What the terminal asks of the component that shows it. */
export interface SessionAsks {
  readonly paste: (paste: Paste) => void;
  readonly reopen: () => void;
  readonly hits: (hits: Hits) => void;
}

/** A terminal as this window shows it. It goes on, with its scrollback, while it is not shown. */
export interface Session {
  show(place: HTMLElement, asks: SessionAsks): void;
  hide(): void;
  focus(): void;
  paste(text: string): void;
  copy(): void;
  find(text: string, direction: 'next' | 'previous', incremental: boolean): void;
  endSearch(): void;
}

interface Living extends Session {
  /** Goes on as the terminal that took this one's place. */
  become(id: string): void;
  look(): void;
  stop(): void;
}

const scrollback = 10_000;
/**
 * Output in bytes that has come and is not drawn yet. A program may print faster than a page can draw: then most is skipped, so
 * that keys still count, and shown again when it is quiet. More than the server keeps, which comes at once.
 */
const mostUndrawn = 2 * 1024 * 1024;
const quietMilliseconds = 400;
const living = new Map<string, Living>();

/** A line of ours among what the program printed. */
const remark = (text: string): string => `\r\n\u001b[0;90m── ${text} ──\u001b[0m\r\n`;

/** Swallows a terminal's answers to programs that ask for its nature, unless `mayAnswer`. */
function guardAnswers(terminal: Terminal, mayAnswer: () => boolean): void {
  const { parser } = terminal;
  const swallow = () => !mayAnswer();
  for (const id of [
    { final: 'c' },
    { prefix: '>', final: 'c' },
    { final: 'n' },
    { prefix: '?', final: 'n' },
    { intermediates: '$', final: 'p' },
    { prefix: '?', intermediates: '$', final: 'p' },
  ])
    parser.registerCsiHandler(id, swallow);
  parser.registerDcsHandler({ intermediates: '$', final: 'q' }, swallow);
  for (const colour of [4, 10, 11, 12])
    parser.registerOscHandler(colour, (data) => data.includes('?') && !mayAnswer());
}

function open(client: Client, first: string): Living {
  let id = first;
  let expected: number | null = null;
  let remarked = false;
  let undrawn = 0;
  let skipping = false;
  let quiet: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let subscription: { unsubscribe(): void } | null = null;
  let asks: SessionAsks | null = null;
  // Old output that is shown again may ask what was answered long ago, and of two windows only one shall answer.
  let answers = wasOpenedHere(first);

  const element = document.createElement('div');
  element.style.cssText = 'width:100%;height:100%';
  const terminal = new Terminal({
    ...readLook().options,
    // What marks the hits of a search is not stable yet.
    allowProposedApi: true,
    cursorBlink: false,
    linkHandler: markedLinks,
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
    rightClickSelectsWord: false,
    screenReaderMode: useTabs.getState().screenReader,
    scrollback,
    lineHeight: 1.15,
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.registerLinkProvider(webLinks(terminal));
  guardAnswers(terminal, () => answers && document.hasFocus());

  const isOpen = () =>
    useStream.getState().door.kind === 'open' &&
    useStream.getState().terminals.some((one) => one.id === id && one.state.kind === 'open');

  const input = createInputQueue(
    (bytes) => client.writeTerminal.mutate({ id, base64: toBase64(bytes) }),
    () => terminal.write(remark('what was typed did not arrive')),
  );
  const encoder = new TextEncoder();
  terminal.onData((text) => {
    if (isOpen()) input.write(encoder.encode(text));
  });
  terminal.onBinary((text) => {
    if (isOpen()) input.write(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  });
  terminal.onKey(() => {
    answers = true;
  });

  function say(text: string): void {
    if (!remarked) terminal.write(remark(text));
    remarked = true;
  }

  function receive(event: OutputEvent): void {
    if (event.type !== 'output') {
      say(event.type === 'ended' ? `ended with ${event.code}` : `lost: ${event.reason}`);
      return;
    }
    const step = outputStep(expected, event.sequence);
    if (step === 'ignore') return;
    expected = event.sequence + 1;
    remarked = false;
    const tooMuch = undrawn > (skipping ? mostUndrawn / 8 : mostUndrawn);
    skipping ||= tooMuch;
    if (skipping) {
      clearTimeout(quiet);
      quiet = setTimeout(replay, quietMilliseconds);
    }
    if (tooMuch) return;
    if (step === 'replace') terminal.reset();
    const bytes = fromBase64(event.base64);
    undrawn += bytes.length;
    terminal.write(bytes, () => {
      undrawn -= bytes.length;
    });
  }

  /** A flood is over: what is kept of it is shown in full. */
  function replay(): void {
    if (undrawn > 0) {
      quiet = setTimeout(replay, quietMilliseconds);
      return;
    }
    skipping = false;
    expected = null;
    terminal.reset();
    follow();
  }

  function follow(): void {
    subscription?.unsubscribe();
    let served = false;
    subscription = client.terminalOutput.subscribe(
      { id, from: expected ?? 0 },
      {
        onData: receive,
        // A terminal that is not there any more is told by the stream.
        onError: () => {},
        onConnectionStateChange: ({ state }) => {
          // Repeated as it is, the call would bring again all that is shown already.
          if (state === 'connecting' && served && !stopped) queueMicrotask(follow);
          if (state === 'pending') served = true;
        },
      },
    );
  }

  let told = '';
  function tellSize(): void {
    const size = { columns: terminal.cols, rows: terminal.rows };
    const text = `${id} ${size.columns} ${size.rows}`;
    if (text === told || !isOpen()) return;
    told = text;
    client.resizeTerminal.mutate({ id, ...size }).catch(() => {
      told = '';
    });
  }
  function resize(): void {
    if (element.offsetWidth === 0 || element.offsetHeight === 0) return;
    fit.fit();
    tellSize();
  }
  const observer = new ResizeObserver(() => requestAnimationFrame(resize));
  // Two windows may differ in size; the one that is worked in decides.
  const onFocus = () => {
    told = '';
    if (element.isConnected) tellSize();
  };
  window.addEventListener('focus', onFocus);

  const stopStream = useStream.subscribe((now, before) => {
    const stateOf = (terminals: typeof now.terminals) => terminals.find((one) => one.id === id)?.state.kind;
    if (now.terminals !== before.terminals) {
      const kind = stateOf(now.terminals);
      if (kind === 'open' && stateOf(before.terminals) !== 'open') {
        told = '';
        if (element.isConnected) tellSize();
      }
    }
    if (now.door !== before.door && now.door.kind !== 'open') input.clear();
  });

  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown') return true;
    if (drawerKey(event, onMac) !== null) return false;
    if (event.key === 'Enter' && !isOpen()) {
      asks?.reopen();
      return false;
    }
    return true;
  });
  element.addEventListener(
    'paste',
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      const paste = readPaste(event.clipboardData?.getData('text/plain') ?? '');
      if (paste.lines.length > 1) asks?.paste(paste);
      else terminal.paste(paste.text);
    },
    { capture: true },
  );
  search.onDidChangeResults(({ resultIndex, resultCount }) =>
    asks?.hits({ index: resultIndex < 0 ? null : resultIndex + 1, count: resultCount }),
  );

  follow();
  return {
    show: (place, next) => {
      asks = next;
      place.append(element);
      if (terminal.element === undefined) {
        terminal.open(element);
        terminal.textarea?.setAttribute('aria-label', 'Terminal input');
      }
      observer.observe(element);
      resize();
    },
    hide: () => {
      asks = null;
      observer.disconnect();
      element.remove();
    },
    focus: () => terminal.focus(),
    paste: (text) => {
      answers = true;
      terminal.paste(text);
    },
    copy: () => {
      if (terminal.hasSelection()) void navigator.clipboard.writeText(terminal.getSelection());
    },
    find: (text, direction, incremental) => {
      const options = { decorations: readLook().hits, incremental };
      if (direction === 'next') search.findNext(text, options);
      else search.findPrevious(text, options);
    },
    endSearch: () => {
      search.clearDecorations();
      terminal.clearSelection();
    },
    become: (next) => {
      id = next;
      expected = null;
      remarked = false;
      answers = true;
      terminal.write(remark('opened again'));
      follow();
      resize();
    },
    look: () => {
      terminal.options = { ...readLook().options, screenReaderMode: useTabs.getState().screenReader };
      if (element.isConnected) resize();
    },
    stop: () => {
      stopped = true;
      clearTimeout(quiet);
      subscription?.unsubscribe();
      stopStream();
      observer.disconnect();
      window.removeEventListener('focus', onFocus);
      terminal.dispose();
      element.remove();
    },
  };
}

/** Ends what is shown of terminals that are gone, unless others are about to take their place. */
function sweep(): void {
  const { orphans, pending } = useTabs.getState();
  const { terminals, ready, door } = useStream.getState();
  if (!ready || door.kind !== 'open') return;
  const kept = new Set<string | null>([
    ...[...terminals, ...orphans].map(({ id }) => id),
    ...pending.flatMap(({ predecessor, terminal }) => [predecessor, terminal]),
    ...terminals.map(({ id }) => predecessorOf(id)),
  ]);
  for (const [id, session] of living) {
    if (kept.has(id)) continue;
    session.stop();
    living.delete(id);
  }
}

let watching = false;
function watchAll(): void {
  if (watching) return;
  watching = true;
  const lookAgain = () => {
    for (const session of living.values()) session.look();
  };
  watchTheme(() => requestAnimationFrame(lookAgain));
  // A moment later all who listen know what has changed.
  useTabs.subscribe((now, before) => {
    if (now.screenReader !== before.screenReader) lookAgain();
    queueMicrotask(sweep);
  });
  useStream.subscribe((now, before) => {
    if (now.terminals !== before.terminals) queueMicrotask(sweep);
  });
}

/** The session of a terminal in this window: the one that there is, or that of its predecessor, or a new one. */
export function sessionOf(client: Client, id: string): Session {
  watchAll();
  const known = living.get(id);
  if (known !== undefined) return known;
  const predecessor = predecessorOf(id);
  const inherited = predecessor === null ? undefined : living.get(predecessor);
  const session = inherited ?? open(client, id);
  if (predecessor !== null && inherited !== undefined) {
    living.delete(predecessor);
    inherited.become(id);
  }
  living.set(id, session);
  return session;
}
