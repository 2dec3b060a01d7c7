import { Agent } from 'node:http';
import { createServer, connect as dialTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type ClientChannel } from 'ssh2';
import { type Failure, failure } from '../failure.ts';
import { tarOf } from '../tar.ts';
import type { Connection, ConnectionState, ConnectionTarget, RunningCommand } from './connection.ts';
import { fingerprint, keyBlob } from './keys.ts';
import { quoteCommand } from './quote.ts';

const largestOutput = 8 * 1024 * 1024;
/** sshd allows 10 sessions a connection unless it is told otherwise (sshd_config(5), MaxSessions); terminals need some too. */
const parallelCommands = 6;
const signals: Record<string, number> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, TERM: 15 };

type Dialled =
  | { readonly kind: 'ready'; readonly client: ssh2.Client }
  | { readonly kind: 'not-yet'; readonly reason: string }
  | { readonly kind: 'refused'; readonly error: Failure };

function openSocket(target: ConnectionTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = dialTcp({ host: target.address, port: target.port, noDelay: true });
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer within 1 s')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

/** One attempt: TCP, then SSH with the pinned host key. */
async function dial(target: ConnectionTarget, patienceMilliseconds: number): Promise<Dialled> {
  let socket: Socket;
  try {
    socket = await openSocket(target);
  } catch (error) {
    return { kind: 'not-yet', reason: error instanceof Error ? error.message : String(error) };
  }
  const pinned = keyBlob(target.hostKey);
  return new Promise((resolve) => {
    const client = new ssh2.Client();
    let stranger: Buffer | null = null;
    client.once('ready', () => {
      client.removeAllListeners('error');
      // A later error is followed by 'close', which says the same.
      client.on('error', () => {});
      resolve({ kind: 'ready', client });
    });
    client.once('error', (error: Error & { level?: string }) => {
      client.on('error', () => {});
      client.destroy();
      if (stranger !== null) {
        const message = `${target.name} (${target.address}) shows host key ${fingerprint(stranger)}, but ${fingerprint(pinned)} is pinned.`;
        resolve({ kind: 'refused', error: failure('host-key-changed', message, { cause: error }) });
      } else if (error.level === 'client-authentication') {
        const message = `${target.name} (${target.address}) does not accept our key for ${target.user}.`;
        resolve({ kind: 'refused', error: failure('host-silent', message, { cause: error }) });
      } else {
        resolve({ kind: 'not-yet', reason: error.message });
      }
    });
    client.connect({
      sock: socket,
      username: target.user,
      privateKey: target.privateKey,
      readyTimeout: patienceMilliseconds,
      keepaliveInterval: 3000,
      keepaliveCountMax: 2,
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        cipher: [
          'aes128-gcm@openssh.com',
          'aes256-gcm@openssh.com',
          'chacha20-poly1305@openssh.com',
          'aes128-ctr',
        ],
        ...(target.hostKey.startsWith('ssh-ed25519 ') ? { serverHostKey: ['ssh-ed25519'] } : {}),
      },
      hostVerifier: (key: Buffer) => {
        const same = key.equals(pinned);
        if (!same) stranger = Buffer.from(key);
        return same;
      },
    });
  });
}

/** Waits between attempts: short while a host boots, up to half a second later; a lost host is tried ever less often. */
export const bootDelay = (attempt: number): number => Math.min(25 * 2 ** Math.floor(attempt / 8), 500);
export const reconnectDelay = (attempt: number): number => Math.min(250 * 2 ** attempt, 5000);

async function dialUntil(
  target: ConnectionTarget,
  signal: AbortSignal,
  deadlineSeconds: number,
): Promise<ssh2.Client> {
  const deadline = Date.now() + deadlineSeconds * 1000;
  let reason = 'no answer';
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    const left = deadline - Date.now();
    if (left <= 0) {
      const where = `${target.name} (${target.address} port ${target.port})`;
      throw failure(
        'host-silent',
        `${where} did not answer over SSH within ${deadlineSeconds} s: ${reason}.`,
      );
    }
    const dialled = await raceAbort(dial(target, Math.max(100, Math.min(left, 10_000))), signal, (late) => {
      if (late.kind === 'ready') late.client.destroy();
    });
    if (dialled.kind === 'ready') return dialled.client;
    if (dialled.kind === 'refused') throw dialled.error;
    reason = dialled.reason;
    await sleep(bootDelay(attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Settles with `work`, or rejects as soon as `signal` fires; `discard` gets what comes too late. */
function raceAbort<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => void = () => {},
): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason);
      work.then(discard, () => {});
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Lets at most `width` pieces of work run at once; the others wait in order. */
function gate(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let free = width;
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' / ').slice(-400);

/** ssh2's channels lack what Node's HTTP client calls on a socket. */
function asSocket(stream: ClientChannel): Duplex {
  const same = () => stream;
  return Object.assign(stream, {
    setKeepAlive: same,
    setNoDelay: same,
    setTimeout: same,
    ref: same,
    unref: same,
    destroySoon: () => stream.destroy(),
  });
}

type ExecOptions = NonNullable<Parameters<Connection['exec']>[1]>;
type RawResult = { readonly code: number; readonly stdout: Buffer; readonly stderr: string };

/**
 * Opens the connection to a host and keeps it: tried again while the host boots until the deadline (`host-silent`),
 * at once refused when the host key is not the pinned one (`host-key-changed`), reopened by itself when it is lost.
 */
export async function connect(
  target: ConnectionTarget,
  options: { readonly signal?: AbortSignal; readonly deadlineSeconds: number },
): Promise<Connection> {
  const ended = new AbortController();
  const listeners = new Set<(state: ConnectionState) => void>();
  const agents = new Map<string, Agent>();
  const servers = new Set<{ close(): Promise<void> }>();
  const gated = gate(parallelCommands);
  let state: ConnectionState = { kind: 'connected' };
  let client = await dialUntil(target, options.signal ?? ended.signal, options.deadlineSeconds);

  const enter = (next: ConnectionState) => {
    state = next;
    for (const listener of listeners) listener(next);
  };

  const lost = (what: string): Failure =>
    failure('host-lost', `The connection to ${target.name} was lost; ${what}`);

  const reconnect = async (reason: string): Promise<void> => {
    for (let attempt = 0; !ended.signal.aborted; attempt += 1) {
      const delay = reconnectDelay(attempt);
      enter({ kind: 'reconnecting', attempt, nextTryAt: Date.now() + delay, reason });
      await sleep(delay, undefined, { signal: ended.signal }).catch(() => {});
      if (ended.signal.aborted) return;
      const dialled = await dial(target, 10_000);
      if (dialled.kind !== 'ready') continue;
      if (ended.signal.aborted) dialled.client.destroy();
      else adopt(dialled.client);
      return;
    }
  };

  const adopt = (fresh: ssh2.Client) => {
    client = fresh;
    fresh.once('close', () => {
      if (ended.signal.aborted) return;
      for (const agent of agents.values()) agent.destroy();
      void reconnect('the connection was cut');
    });
    enter({ kind: 'connected' });
  };
  adopt(client);

  /** The live client, waiting a little while it is being reopened. */
  const live = async (): Promise<ssh2.Client> => {
    const deadline = Date.now() + 3000;
    while (state.kind === 'reconnecting' && Date.now() < deadline) await sleep(25);
    if (state.kind === 'connected') return client;
    throw failure('host-lost', `${target.name} (${target.address}) does not answer.`);
  };

  /** The exit code of a channel; a channel that closes without one has lost its host. */
  const exitOf = (channel: ClientChannel, what: string): Promise<number> => {
    const exit = new Promise<number>((resolve, reject) => {
      let code: number | null = null;
      channel.on('exit', (status: number | null, signal?: string) => {
        code = status ?? 128 + (signals[signal ?? ''] ?? 0);
      });
      channel.on('close', () => {
        if (code !== null) resolve(code);
        else reject(lost(`it is not known how far \`${what}\` came.`));
      });
    });
    // Whoever waits for it hears of it; a caller that has given up does not.
    exit.catch(() => {});
    return exit;
  };

  /** Opens a channel for a command; an empty argv is a login shell. */
  const openChannel = async (
    argv: readonly string[],
    terminal?: { readonly columns: number; readonly rows: number; readonly type: string },
  ): Promise<{ channel: ClientChannel; exit: Promise<number>; what: string }> => {
    const current = await live();
    const what = quoteCommand(argv.slice(0, 3)).slice(0, 120);
    const pty = terminal && { cols: terminal.columns, rows: terminal.rows, term: terminal.type };
    return new Promise((resolve, reject) => {
      const gone = () => reject(lost(`it is not known whether \`${what}\` was started.`));
      current.once('close', gone);
      const finish = (error: Error | undefined, channel: ClientChannel) => {
        current.removeListener('close', gone);
        if (error !== undefined) {
          reject(state.kind === 'connected' ? error : lost(`\`${what}\` was not started.`));
          return;
        }
        // A short command's end can be in the same packet as its beginning, so it is listened for at once.
        const exit = exitOf(channel, what);
        channel.on('error', () => {});
        resolve({ channel, exit, what });
      };
      try {
        if (argv.length === 0) current.shell(pty ?? {}, finish);
        else current.exec(quoteCommand(argv), pty === undefined ? {} : { pty }, finish);
      } catch (error) {
        current.removeListener('close', gone);
        reject(lost(error instanceof Error ? error.message : String(error)));
      }
    });
  };

  const raw = (argv: readonly string[], settings: ExecOptions): Promise<RawResult> =>
    gated(async () => {
      settings.signal?.throwIfAborted();
      const { channel, exit, what } = await openChannel(argv);
      const seconds = settings.deadlineSeconds ?? 600;
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      let size = 0;
      let rest = '';
      const stop = new AbortController();
      const decoder = new TextDecoder();
      channel.on('data', (part: Buffer) => {
        size += part.length;
        if (size > largestOutput)
          stop.abort(failure('command-failed', `${target.name}: \`${what}\` printed too much.`));
        else stdout.push(part);
        if (settings.onLine === undefined) return;
        const lines = (rest + decoder.decode(part, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) settings.onLine(line);
      });
      channel.stderr.on('data', (part: Buffer) => {
        if (stderr.length < 512) stderr.push(part);
      });
      channel.end(settings.input);
      const timer = setTimeout(
        () =>
          stop.abort(
            failure('deadline-passed', `${target.name}: \`${what}\` did not end within ${seconds} s.`),
          ),
        seconds * 1000,
      );
      try {
        const all =
          settings.signal === undefined ? stop.signal : AbortSignal.any([settings.signal, stop.signal]);
        const code = await raceAbort(exit, all);
        if (rest !== '') settings.onLine?.(rest);
        return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') };
      } catch (error) {
        channel.signal('TERM');
        channel.close();
        throw error;
      } finally {
        clearTimeout(timer);
      }
    });

  const exec: Connection['exec'] = async (argv, settings = {}) => {
    const { code, stdout, stderr } = await raw(argv, settings);
    const text = stdout.toString('utf8');
    if (code !== 0 && settings.anyExit !== true) {
      const said = lastLines(stderr) || lastLines(text) || 'it printed nothing';
      const what = quoteCommand(argv.slice(0, 3)).slice(0, 120);
      throw failure('command-failed', `${target.name}: \`${what}\` ended with code ${code}: ${said}`);
    }
    return { code, stdout: text, stderr };
  };

  const connection: Connection = {
    name: target.name,
    state: () => state,
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exec,
    // The script is read whole before it runs, so that no command of it can eat the rest of it from stdin.
    script: (text, args = [], settings = {}) =>
      exec(['sh', '-c', 'flatland_script=$(cat); eval "$flatland_script"', 'sh', ...args], {
        ...settings,
        input: text,
      }),
    async start(argv, settings = {}): Promise<RunningCommand> {
      const { channel, exit } = await openChannel(argv, settings.terminal);
      return {
        stdin: channel,
        stdout: channel,
        stderr: channel.stderr,
        exit,
        resize: ({ columns, rows }) => channel.setWindow(rows, columns, 0, 0),
        kill() {
          channel.signal('TERM');
          channel.close();
        },
      };
    },
    async place(files, settings = {}) {
      const suffix = `.flatland-${process.pid}-${Date.now().toString(36)}`;
      const script =
        'set -e; suffix=$1; shift; trap \'for f; do rm -f "$f$suffix"; done\' EXIT; tar -xpf - -C /; for f; do mv -f "$f$suffix" "$f"; done';
      const paths = files.map(({ path }) => path);
      const input = await tarOf(
        files.map(({ path, mode, content }) => ({
          header: { name: `${path.replace(/^\/+/, '')}${suffix}`, mode },
          content,
        })),
      );
      await exec(['sh', '-c', script, 'sh', suffix, ...paths], { ...settings, input });
    },
    async read(path) {
      const missing = 44;
      const { code, stdout, stderr } = await raw(
        ['sh', '-c', `[ -e "$1" ] || exit ${missing}; exec cat "$1"`, 'sh', path],
        { deadlineSeconds: 30 },
      );
      if (code === missing) return null;
      if (code !== 0)
        throw failure('command-failed', `${target.name}: ${path} cannot be read: ${lastLines(stderr)}`);
      return stdout;
    },
    async openUnix(path) {
      const current = await live();
      return new Promise((resolve, reject) => {
        current.openssh_forwardOutStreamLocal(path, (error, channel) => {
          if (error)
            reject(
              failure('command-failed', `${target.name}: nothing listens at ${path}.`, { cause: error }),
            );
          else resolve(channel);
        });
      });
    },
    async openTcp(address, port) {
      const current = await live();
      return new Promise((resolve, reject) => {
        current.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
          if (error)
            reject(
              failure('command-failed', `${target.name}: nothing answers at ${address} port ${port}.`, {
                cause: error,
              }),
            );
          else resolve(channel);
        });
      });
    },
    httpAgent(path) {
      const known = agents.get(path);
      if (known !== undefined) return known;
      const agent = Object.assign(new Agent({ keepAlive: true, maxFreeSockets: 2 }), {
        createConnection(_options: unknown, callback: (error: Error | null, stream?: Duplex) => void) {
          live().then((current) => {
            current.openssh_forwardOutStreamLocal(path, (error, channel) => {
              if (error) callback(error);
              else callback(null, asSocket(channel));
            });
          }, callback);
        },
      });
      agents.set(path, agent);
      return agent;
    },
    async forward(address, port) {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => sockets.delete(socket));
        connection.openTcp(address, port).then(
          (channel) => {
            channel.on('error', () => socket.destroy());
            channel.on('close', () => socket.destroy());
            socket.on('close', () => channel.destroy());
            socket.pipe(channel).pipe(socket);
          },
          () => socket.destroy(),
        );
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(0, '127.0.0.1', resolve);
      });
      const bound = server.address();
      const forwarded = {
        port: typeof bound === 'object' && bound !== null ? bound.port : 0,
        async close() {
          servers.delete(forwarded);
          for (const socket of sockets) socket.destroy();
          await new Promise<void>((resolve) => server.close(() => resolve()));
        },
      };
      servers.add(forwarded);
      return forwarded;
    },
    async close() {
      if (ended.signal.aborted) return;
      ended.abort();
      for (const agent of agents.values()) agent.destroy();
      await Promise.all([...servers].map((server) => server.close()));
      enter({ kind: 'closed' });
      const current = client;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          current.destroy();
          resolve();
        }, 500);
        current.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
        current.end();
      });
    },
  };
  return connection;
}
