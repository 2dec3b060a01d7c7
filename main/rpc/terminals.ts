import { randomUUID } from 'node:crypto';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Terminal } from '../../contract/live.ts';
import type { OutputEvent } from '../../contract/watch.ts';
import { raceAbort } from '../abort.ts';
import { toFlatlandError } from '../failure.ts';
import type { Router } from '../router.ts';
import { refuse } from './refuse.ts';
import { type Scrollback, scrollback } from './scrollback.ts';

const scrollbackBytes = 1024 * 1024;
const mostTerminals = 50;
/** Output that nobody has read yet; more than that, and the program waits as it does for a slow terminal. */
const unreadBytes = 256 * 1024;
/** A reader that stands still for so long does not hold the program up any more. */
const patienceMilliseconds = 5000;
const unreadMilliseconds = 20;
const unwrittenBytes = 1024 * 1024;
/** How long the caller waits to hear that a terminal cannot be opened at all. */
const refusalMilliseconds = 1000;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface TerminalRequest extends TerminalSize {
  readonly lab: string;
  readonly target: string;
  readonly command: readonly string[];
}

/** Commands and shells that stay open without a screen. Rejections are failures of the catalogue. */
export interface Terminals {
  open(request: TerminalRequest): Promise<{ id: string }>;
  /** Starts the same again after it ended; its scrollback stays. */
  reopen(id: string): Promise<void>;
  /** Output from a sequence on, and each end of the command, until the terminal is closed or `signal` is aborted. */
  output(id: string, from: number, signal: AbortSignal): AsyncIterable<OutputEvent>;
  write(id: string, data: Buffer): void;
  resize(id: string, size: TerminalSize): void;
  shut(id: string): void;
  /** In the order in which they were opened. */
  all(): Terminal[];
  close(): Promise<void>;
}

interface Session {
  readonly request: TerminalRequest;
  readonly scrollback: Scrollback;
  readonly readers: Set<Reader>;
  shown: Terminal;
  size: TerminalSize;
  /** The command that runs, or the last one. */
  run: Run;
}

interface Run {
  readonly input: PassThrough;
  readonly controller: AbortController;
  readonly ended: Promise<void>;
  readonly resize: (size: TerminalSize) => void;
}

interface Reader {
  next: number;
  wake: () => void;
}

const clock = (date: Date) => date.toTimeString().slice(0, 8);

export function openTerminals(router: Pick<Router, 'exec'>, onChange: () => void): Terminals {
  const sessions = new Map<string, Session>();
  let starting = 0;

  const find = (id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined) throw refuse('There is no such terminal any more.');
    return session;
  };
  const wakeReaders = ({ readers }: Session) => {
    for (const reader of readers) reader.wake();
  };
  const show = (session: Session, state: Terminal['state']) => {
    session.shown = { ...session.shown, state };
    wakeReaders(session);
    onChange();
  };
  /** Settles when the reader that is furthest has little left to read, or stands still. */
  const readUp = async (session: Session, signal: AbortSignal) => {
    // Nobody is there to be kept waiting, so a flood need not be fast.
    if (session.readers.size === 0) await delay(unreadMilliseconds, undefined, { signal }).catch(() => {});
    const deadline = Date.now() + patienceMilliseconds;
    while (session.readers.size > 0 && !signal.aborted && Date.now() < deadline) {
      const furthest = Math.max(...[...session.readers].map(({ next }) => next));
      if (session.scrollback.bytesFrom(furthest) < unreadBytes) return;
      await delay(10);
    }
  };

  /** Starts the command of a session; resolves to how it could not be started, or null. */
  const start = async (session: Session): Promise<unknown> => {
    const { request, size } = session;
    const controller = new AbortController();
    const input = new PassThrough();
    let settle: (refusal: unknown) => void = () => {};
    const settled = new Promise<unknown>((resolve) => {
      settle = resolve;
    });
    /** Aborted once the command is over: what it wrote last need not wait for readers. */
    const over = new AbortController();
    const output = new Writable({
      write: (chunk: Buffer, _, done) => {
        session.scrollback.add(Buffer.from(chunk));
        wakeReaders(session);
        settle(null);
        readUp(session, over.signal).then(() => done(), done);
      },
    });
    output.on('error', () => {});
    let resize = (_: TerminalSize) => {};
    const execute = async (): Promise<Terminal['state']> => {
      try {
        const code = await router.exec(
          {
            lab: request.lab,
            target: request.target,
            command: [...request.command],
            terminal: { ...size, type: 'xterm-256color' },
          },
          {
            input,
            output,
            error: output,
            onResize: (listener) => {
              resize = listener;
            },
          },
          controller.signal,
        );
        settle(null);
        return { kind: 'ended', code };
      } catch (thrown) {
        settle(thrown);
        return { kind: 'lost', reason: toFlatlandError(thrown).message };
      }
    };
    const finish = async () => {
      const state = await execute();
      over.abort();
      input.destroy();
      // The end is told after all that was written before it.
      await new Promise<void>((resolve) => output.end(resolve));
      if (session.run === run) show(session, state);
    };
    const run: Run = {
      input,
      controller,
      resize: (changed) => resize(changed),
      // Later, so that it finds itself in the session.
      ended: Promise.resolve().then(finish),
    };
    session.run = run;
    return Promise.race([settled, delay(refusalMilliseconds, null, { ref: false })]);
  };

  const shut = (id: string, session: Session) => {
    sessions.delete(id);
    session.run.controller.abort();
    wakeReaders(session);
    onChange();
  };

  return {
    open: async (request) => {
      if (sessions.size + starting >= mostTerminals)
        throw refuse(`${mostTerminals} terminals are open already.`, 'Close one of them.');
      const id = randomUUID();
      const session: Session = {
        request,
        size: { columns: request.columns, rows: request.rows },
        scrollback: scrollback(scrollbackBytes),
        readers: new Set(),
        shown: {
          id,
          lab: request.lab,
          target: request.target,
          title: request.command.length === 0 ? request.target : request.command.join(' '),
          openedAt: new Date().toISOString(),
          state: { kind: 'open' },
        },
        run: notStarted,
      };
      starting += 1;
      const refusal = await start(session).finally(() => {
        starting -= 1;
      });
      if (refusal !== null) throw refusal;
      sessions.set(id, session);
      onChange();
      return { id };
    },
    reopen: async (id) => {
      const session = find(id);
      if (session.shown.state.kind === 'open') return;
      const separator = `\r\n\x1b[0m\x1b[2m── opened again at ${clock(new Date())} ──\x1b[0m\r\n`;
      session.scrollback.add(Buffer.from(separator));
      show(session, { kind: 'open' });
      const refusal = await start(session);
      if (refusal !== null) throw refusal;
    },
    output: async function* (id, from, signal) {
      const session = find(id);
      const reader: Reader = { next: from, wake: () => {} };
      session.readers.add(reader);
      let told: Terminal['state'] | null = null;
      try {
        while (!signal.aborted && sessions.get(id) === session) {
          const changed = new Promise<void>((resolve) => {
            reader.wake = resolve;
          });
          const chunk = session.scrollback.from(reader.next);
          const { state } = session.shown;
          if (chunk !== null) {
            reader.next = chunk.sequence + 1;
            yield { type: 'output', sequence: chunk.sequence, base64: chunk.data.toString('base64') };
          } else if (state !== told) {
            told = state;
            if (state.kind === 'ended') yield { type: 'ended', code: state.code };
            if (state.kind === 'lost') yield { type: 'lost', reason: state.reason };
          } else await raceAbort(changed, signal);
        }
      } catch (thrown) {
        if (!signal.aborted) throw thrown;
      } finally {
        session.readers.delete(reader);
      }
    },
    write: (id, data) => {
      const { shown, run } = find(id);
      if (shown.state.kind !== 'open') throw refuse('This terminal has ended.', 'Open it again to go on.');
      if (run.input.writableLength + data.length > unwrittenBytes)
        throw refuse('The program does not read so much input at once.', 'Send less of it.');
      run.input.write(data);
    },
    resize: (id, size) => {
      const session = find(id);
      session.size = size;
      session.run.resize(size);
    },
    shut: (id) => {
      const session = sessions.get(id);
      if (session !== undefined) shut(id, session);
    },
    all: () => [...sessions.values()].map(({ shown }) => shown),
    close: async () => {
      const all = [...sessions];
      for (const [id, session] of all) shut(id, session);
      const ended = Promise.all(all.map(([, { run }]) => run.ended));
      await Promise.race([ended, delay(3000, undefined, { ref: false })]);
    },
  };
}

/** What a session has before its command is started. */
const notStarted: Run = {
  input: new PassThrough(),
  controller: new AbortController(),
  ended: Promise.resolve(),
  resize: () => {},
};
