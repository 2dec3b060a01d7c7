import { randomUUID } from 'node:crypto';
import { Agent } from 'node:http';
import { createServer, connect as dialTcp, type Socket } from 'node:net';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import ssh2, { type ClientChannel } from 'ssh2';
import { raceAbort } from '../abort.ts';
import { type Failure, failure } from '../failure.ts';
import { tarOf } from '../tar.ts';
import type { Connection, ConnectionState, ConnectionTarget, RunningCommand } from './connection.ts';
import { fingerprint, keyBlob } from './keys.ts';
import { quoteCommand } from './quote.ts';

const largestOutput = 8 * 1024 * 1024;
/** sshd allows 10 sessions a connection unless it is told otherwise (sshd_config(5), MaxSessions); terminals need some too. */
const parallelCommands = 6;
const signals = new Map<string, number>(Object.entries(constants.signals));

/** Ends every process whose environment has a mark: first politely, then for good. */
const stopScript = `for signal in TERM KILL; do
  files=$(grep -lzxF "FLATLAND_COMMAND=$1" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$files" ] || exit 0
  for file in $files; do process=\${file#/proc/}; kill -s $signal "\${process%/environ}"; done 2>/dev/null
  sleep 1
done`;

type Dialled =
  | { readonly kind: 'ready'; readonly client: ssh2.Client }
  | { readonly kind: 'not-yet'; readonly reason: string }
  | { readonly kind: 'refused'; readonly error: Failure };

function openSocket(target: ConnectionTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = dialTcp({ host: target.address, port: target.port, noDelay: true });
    const abort = () => socket.destroy(new Error('stopped'));
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
    socket.setTimeout(1000, () => socket.destroy(new Error('no answer within 1 s')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      signal.removeEventListener('abort', abort);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

/** One attempt: TCP, then SSH with the pinned host key. `signal` ends the attempt, not the connection that it made. */
async function dial(
  target: ConnectionTarget,
  patienceMilliseconds: number,
  signal: AbortSignal,
): Promise<Dialled> {
  let socket: Socket;
  try {
    socket = await openSocket(target, signal);
  } catch (error) {
    return { kind: 'not-yet', reason: error instanceof Error ? error.message : String(error) };
  }
  const pinned = keyBlob(target.hostKey);
  return new Promise((done) => {
    const client = new ssh2.Client();
    // Each command and stream that is being opened listens for the end of the connection.
    client.setMaxListeners(0);
    const abort = () => client.destroy();
    const resolve = (dialled: Dialled) => {
      signal.removeEventListener('abort', abort);
      done(dialled);
    };
    signal.addEventListener('abort', abort, { once: true });
    // A server that hangs up after its banner causes no error, only this.
    client.once('close', () => resolve({ kind: 'not-yet', reason: 'the host hung up' }));
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
const bootDelay = (attempt: number): number => Math.min(25 * 2 ** Math.floor(attempt / 8), 500);
const reconnectDelay = (attempt: number): number => Math.min(250 * 2 ** attempt, 5000);

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
    const attempted = dial(target, Math.max(100, Math.min(left, 10_000)), signal);
    const dialled = await raceAbort(attempted, signal, (late) => {
      if (late.kind === 'ready') late.client.destroy();
    });
    if (dialled.kind === 'ready') return dialled.client;
    if (dialled.kind === 'refused') throw dialled.error;
    reason = dialled.reason;
    await sleep(bootDelay(attempt), undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Lets at most `width` pieces of work run at once; the others wait in order, or leave the queue when their signal fires. */
function gate(width: number): <T>(work: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T> {
  const queue: (() => void)[] = [];
  let free = width;
  const release = () => {
    const next = queue.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async (work, signal) => {
    signal?.throwIfAborted();
    if (free > 0) free -= 1;
    else await raceAbort(new Promise<void>((resolve) => queue.push(resolve)), signal, release);
    try {
      return await work();
    } finally {
      release();
    }
  };
}

const theShell = 'the shell';

/** A command as a message names it; no argv is a login shell. */
const shorten = (argv: readonly string[]): string =>
  argv.length === 0 ? theShell : `\`${quoteCommand(argv.slice(0, 3)).slice(0, 120)}\``;

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
type OpenCommand = {
  readonly channel: ClientChannel;
  readonly exit: Promise<number>;
  readonly mark: string;
};
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
  /** Why a lost host is not connected again though it answers. */
  let refusal: Failure | null = null;
  let client = await dialUntil(target, options.signal ?? ended.signal, options.deadlineSeconds);

  const enter = (next: ConnectionState) => {
    state = next;
    for (const listener of listeners) listener(next);
  };

  const lost = (what: string): Failure =>
    failure('host-lost', `The connection to ${target.name} was lost; ${what}`);

  const reconnect = async (): Promise<void> => {
    let reason = 'the connection was cut';
    for (let attempt = 0; !ended.signal.aborted; attempt += 1) {
      const delay = reconnectDelay(attempt);
      enter({ kind: 'reconnecting', attempt, nextTryAt: Date.now() + delay, reason });
      await sleep(delay, undefined, { signal: ended.signal }).catch(() => {});
      if (ended.signal.aborted) return;
      const dialled = await dial(target, 10_000, ended.signal);
      refusal = dialled.kind === 'refused' ? dialled.error : null;
      if (dialled.kind === 'ready') {
        if (ended.signal.aborted) dialled.client.destroy();
        else adopt(dialled.client);
        return;
      }
      reason = dialled.kind === 'refused' ? dialled.error.message : dialled.reason;
    }
  };

  const adopt = (fresh: ssh2.Client) => {
    client = fresh;
    fresh.once('close', () => {
      if (ended.signal.aborted) return;
      for (const agent of agents.values()) agent.destroy();
      void reconnect();
    });
    enter({ kind: 'connected' });
  };
  adopt(client);

  /** The live client, waiting a little while it is being reopened. */
  const live = async (): Promise<ssh2.Client> => {
    const deadline = Date.now() + 3000;
    while (state.kind === 'reconnecting' && Date.now() < deadline) await sleep(25);
    if (state.kind === 'connected') return client;
    if (refusal !== null) throw refusal;
    const why = state.kind === 'closed' ? 'the connection was closed' : state.reason;
    throw failure('host-lost', `${target.name} (${target.address}) does not answer: ${why}.`);
  };

  /** The exit code of a channel; a channel that closes without one has lost its host. */
  const exitOf = (current: ssh2.Client, channel: ClientChannel, what: string): Promise<number> => {
    const exit = new Promise<number>((resolve, reject) => {
      let code: number | null = null;
      channel.on('exit', (status: number | null, signal?: string) => {
        code = status ?? 128 + (signals.get(signal ?? '') ?? 0);
      });
      const end = () => {
        current.removeListener('close', end);
        if (code !== null) resolve(code);
        else reject(lost(what === theShell ? 'so is the shell.' : `it is not known how far ${what} came.`));
      };
      channel.on('close', end);
      // A channel whose output nobody reads does not end with its connection.
      current.once('close', end);
    });
    // Whoever waits for it hears of it; a caller that has given up does not.
    exit.catch(() => {});
    return exit;
  };

  /** Opens a channel for a command, which is marked by its environment; an empty argv is a login shell. */
  const openChannel = async (
    argv: readonly string[],
    terminal?: { readonly columns: number; readonly rows: number; readonly type: string },
  ): Promise<OpenCommand> => {
    const current = await live();
    const what = shorten(argv);
    const mark = randomUUID();
    const pty = terminal && { cols: terminal.columns, rows: terminal.rows, term: terminal.type };
    return new Promise((resolve, reject) => {
      const gone = () => reject(lost(`it is not known whether ${what} was started.`));
      current.once('close', gone);
      const finish = (error: Error | undefined, channel: ClientChannel) => {
        current.removeListener('close', gone);
        if (error !== undefined) {
          reject(state.kind === 'connected' ? error : lost(`${what} was not started.`));
          return;
        }
        // A short command's end can be in the same packet as its beginning, so it is listened for at once.
        const exit = exitOf(current, channel, what);
        channel.on('error', () => {});
        resolve({ channel, exit, mark });
      };
      try {
        if (argv.length === 0) current.shell(pty ?? {}, finish);
        else
          current.exec(
            `FLATLAND_COMMAND=${mark} ${quoteCommand(argv)}`,
            pty === undefined ? {} : { pty },
            finish,
          );
      } catch (error) {
        current.removeListener('close', gone);
        reject(lost(error instanceof Error ? error.message : String(error)));
      }
    });
  };

  /** Ends a command with all that it started. OpenSSH passes no signals on to the commands of root (session.c). */
  const stop = ({ channel, mark }: OpenCommand): void => {
    // Not through the gate, which the commands that are to be stopped may fill.
    openChannel(['sh', '-c', stopScript, 'sh', mark]).then(
      (stopper) => {
        stopper.channel.resume();
        stopper.channel.stderr.resume();
        stopper.channel.end();
      },
      // What a lost host still runs cannot be stopped.
      () => channel.close(),
    );
  };

  const raw = (argv: readonly string[], settings: ExecOptions): Promise<RawResult> =>
    gated(async () => {
      const what = shorten(argv);
      const seconds = settings.deadlineSeconds ?? 600;
      const cut = new AbortController();
      const all = settings.signal === undefined ? cut.signal : AbortSignal.any([settings.signal, cut.signal]);
      const timer = setTimeout(
        () =>
          cut.abort(failure('deadline-passed', `${target.name}: ${what} did not end within ${seconds} s.`)),
        seconds * 1000,
      );
      const abandon = (command: OpenCommand) => {
        stop(command);
        command.channel.close();
      };
      try {
        const command = await raceAbort(openChannel(argv), all, abandon);
        const { channel, exit } = command;
        const stdout: Buffer[] = [];
        const stderr: Buffer[] = [];
        let size = 0;
        let rest = '';
        const decoder = new TextDecoder();
        channel.on('data', (part: Buffer) => {
          size += part.length;
          if (size > largestOutput)
            cut.abort(failure('command-failed', `${target.name}: ${what} printed too much.`));
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
        try {
          const code = await raceAbort(exit, all);
          if (rest !== '') settings.onLine?.(rest);
          return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString('utf8') };
        } catch (error) {
          if (all.aborted) abandon(command);
          throw error;
        }
      } finally {
        clearTimeout(timer);
      }
    }, settings.signal);

  const exec: Connection['exec'] = async (argv, settings = {}) => {
    const { code, stdout, stderr } = await raw(argv, settings);
    const text = stdout.toString('utf8');
    if (code !== 0 && settings.anyExit !== true) {
      const said = lastLines(stderr) || lastLines(text) || 'it printed nothing';
      throw failure('command-failed', `${target.name}: ${shorten(argv)} ended with code ${code}: ${said}`);
    }
    return { code, stdout: text, stderr };
  };

  /** Opens a stream through the connection; `absent` says what it means when the host refuses it. */
  const openStream = async (
    absent: string,
    open: (current: ssh2.Client, opened: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<ClientChannel> => {
    const current = await live();
    return new Promise((resolve, reject) => {
      const gone = () => reject(lost('a stream was not opened.'));
      current.once('close', gone);
      try {
        open(current, (error, channel) => {
          current.removeListener('close', gone);
          if (error === undefined) resolve(channel);
          else reject(failure('command-failed', `${target.name}: ${absent}.`, { cause: error }));
        });
      } catch {
        // The library throws when the connection has just ended and says so in a moment.
        gone();
      }
    });
  };

  const openUnix = (path: string): Promise<ClientChannel> =>
    openStream(`nothing listens at ${path}`, (current, opened) =>
      current.openssh_forwardOutStreamLocal(path, opened),
    );

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
      const command = await openChannel(argv, settings.terminal);
      const { channel, exit } = command;
      return {
        stdin: channel,
        stdout: channel,
        stderr: channel.stderr,
        exit,
        resize: ({ columns, rows }) => channel.setWindow(rows, columns, 0, 0),
        kill: () => stop(command),
      };
    },
    async place(files, settings = {}) {
      const suffix = `.flatland-${process.pid}-${Date.now().toString(36)}`;
      const script =
        'set -e; suffix=$1; shift; trap \'for f; do rm -f "$f$suffix"; done\' EXIT; trap "exit 1" TERM; tar -xpf - -C /; for f; do mv -fT "$f$suffix" "$f"; done';
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
    openUnix,
    openTcp: (address, port) =>
      openStream(`nothing answers at ${address} port ${port}`, (current, opened) =>
        current.forwardOut('127.0.0.1', 0, address, port, opened),
      ),
    httpAgent(path) {
      const known = agents.get(path);
      if (known !== undefined) return known;
      const agent = Object.assign(new Agent({ keepAlive: true, maxFreeSockets: 2 }), {
        createConnection(_options: unknown, callback: (error: Error | null, stream?: Duplex) => void) {
          openUnix(path).then((channel) => callback(null, asSocket(channel)), callback);
        },
        // dockerode prints the options of every request, whether anybody reads it or not, and would walk through all of this.
        [inspect.custom]: () => `tunnel to ${path} of ${target.name}`,
      });
      agents.set(path, agent);
      return agent;
    },
    async forward(address, port) {
      const sockets = new Set<Socket>();
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => sockets.delete(socket));
        connection.openTcp(address, port).then(
          (channel) => {
            channel.on('error', () => socket.destroy());
            // What has come is still handed on.
            channel.on('close', () => socket.destroySoon());
            if (socket.destroyed) channel.destroy();
            socket.on('close', () => channel.destroy());
            socket.pipe(channel).pipe(socket);
          },
          () => socket.resetAndDestroy(),
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
    async serve(port, onStream) {
      const current = await live();
      const granted = await new Promise<boolean>((resolve) => {
        current.forwardIn('127.0.0.1', port, (error) => resolve(error === undefined));
      });
      if (!granted) return null;
      const onConnection = (
        details: ssh2.TcpConnectionDetails,
        accept: ssh2.AcceptConnection<ClientChannel>,
        refuse: ssh2.RejectConnection,
      ) => {
        if (details.destPort === port) onStream(asSocket(accept()));
        else refuse();
      };
      current.on('tcp connection', onConnection);
      return {
        async close() {
          current.removeListener('tcp connection', onConnection);
          await new Promise<void>((resolve) => {
            const gone = () => resolve();
            current.once('close', gone);
            try {
              current.unforwardIn('127.0.0.1', port, gone);
            } catch {
              // The connection is gone, and the port with it.
              gone();
            }
          });
        },
      };
    },
    async close() {
      if (ended.signal.aborted) return;
      ended.abort();
      for (const agent of agents.values()) agent.destroy();
      await Promise.all([...servers].map((server) => server.close()));
      const wasConnected = state.kind === 'connected';
      enter({ kind: 'closed' });
      const current = client;
      if (!wasConnected) return;
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
