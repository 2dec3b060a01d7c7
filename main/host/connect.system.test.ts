import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer as createHttpServer, get, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, connect as dialTcp, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../test/support/bundle.ts';
import { failureOf } from '../../test/support/failure.ts';
import { freePort, prepareSshd, type TestSshd } from '../../test/support/sshd.ts';
import { Failure } from '../failure.ts';
import { connect } from './connect.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { fingerprint, generateKeyPair, keyBlob } from './keys.ts';

/* The connection against a real sshd on loopback, as it is on every host. */
let sshd: TestSshd;
let connection: Connection;
const directory = mkdtempSync(join(tmpdir(), 'fl-connect-'));
const opened: Connection[] = [];
const servers: TestSshd[] = [];
const warnings: string[] = [];
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`));

/** An sshd of one test's own. */
async function ownSshd(name: string): Promise<TestSshd> {
  const own = await prepareSshd(name);
  servers.push(own);
  return own;
}

/** A connection that is closed at the end. */
async function open(
  target = sshd.target,
  options: Parameters<typeof connect>[1] = { deadlineSeconds: 5 },
): Promise<Connection> {
  const fresh = await connect(target, options);
  opened.push(fresh);
  return fresh;
}

async function within<T>(seconds: number, work: Promise<T>): Promise<T> {
  const late = sleep(seconds * 1000).then(() => Promise.reject(new Error(`not settled within ${seconds} s`)));
  late.catch(() => {});
  return Promise.race([work, late]);
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}

async function until(condition: () => boolean, seconds: number): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain`);
    await sleep(20);
  }
}

/** What a stream answers to a text, to its end. */
async function roundTrip(stream: Duplex, text: string): Promise<string> {
  stream.end(text);
  return textOf(stream);
}

/** Starts a command that prints nothing, and reads it to its end. */
async function finish(subject: Connection): Promise<number> {
  const running = await subject.start(['true']);
  running.stdout.resume();
  running.stderr.resume();
  return running.exit;
}

/** A connection to an sshd of its own, and the process on the other side. */
async function openCuttable(): Promise<{ connection: Connection; server: number }> {
  const own = await ownSshd('h1');
  await own.start();
  const fresh = await open(own.target);
  const [server] = own.connections();
  if (server === undefined) throw new Error('sshd shows no process for the connection');
  return { connection: fresh, server };
}

beforeAll(async () => {
  sshd = await ownSshd('h1');
  await sshd.start();
  connection = await open();
});

afterAll(async () => {
  await Promise.all(opened.map((entry) => entry.close()));
  await Promise.all(servers.map((server) => server.remove()));
  rmSync(directory, { recursive: true, force: true });
});

describe('exec', () => {
  test('gives stdout, stderr and the exit code', async () => {
    const result = await connection.exec(['sh', '-c', 'printf out; printf err >&2; exit 3'], {
      anyExit: true,
    });
    expect(result).toMatchObject({ code: 3, stdout: 'out', stderr: 'err' });
  });

  test('hands every argument over as it is', async () => {
    const argv = ['', ' ', "it's", '"x"', '$HOME', '`id`', 'a\nb', '*', '-n', '\\', 'é漢🙂', '!!', '~', '#'];
    const { stdout } = await connection.exec([
      'sh',
      '-c',
      'for a; do printf "%s\\0" "$a"; done',
      'sh',
      ...argv,
    ]);
    expect(stdout.split('\0').slice(0, -1)).toEqual(argv);
  });

  test('rejects with the last lines of stderr', async () => {
    const failed = await failureOf(
      connection.exec(['sh', '-c', 'echo one >&2; echo two >&2; echo three >&2; echo four >&2; exit 7']),
    );
    expect(failed.code).toBe('command-failed');
    expect(failed.message).toContain('ended with code 7: two / three / four');
    expect(failed.message).toMatch(/^h1: `sh -c /);
  });

  test('says so when a command failed and printed nothing', async () => {
    expect((await failureOf(connection.exec(['false']))).message).toBe(
      'h1: `false` ended with code 1: it printed nothing',
    );
  });

  test.each([
    ['TERM', 143],
    ['KILL', 137],
    ['SEGV', 139],
    ['USR1', 138],
  ])('an end by SIG%s is code %i', async (signal, code) => {
    const result = await connection.exec(['sh', '-c', `kill -${signal} $$`], { anyExit: true });
    expect(result.code).toBe(code);
  });

  test('gives input, also binary and more than the command reads', async () => {
    const input = Buffer.alloc(3_000_000, 7);
    expect((await connection.exec(['wc', '-c'], { input })).stdout.trim()).toBe('3000000');
    expect((await connection.exec(['true'], { input })).code).toBe(0);
    expect((await connection.exec(['cat'])).stdout).toBe('');
  });

  test('lines come while the command runs, the last one also without its newline', async () => {
    const seen: [line: string, at: number][] = [];
    const began = performance.now();
    await connection.exec(['sh', '-c', 'echo first; sleep 0.5; printf "h\\303\\251\\nlast"'], {
      onLine: (line) => seen.push([line, performance.now() - began]),
    });
    expect(seen.map(([line]) => line)).toEqual(['first', 'hé', 'last']);
    expect(seen[0]?.[1]).toBeLessThan(400);
    expect(seen[2]?.[1]).toBeGreaterThan(450);
  });

  test('output is limited to 8 MiB', async () => {
    const eight = await connection.exec(['head', '-c', String(8 * 1024 * 1024), '/dev/zero']);
    expect(eight.stdout).toHaveLength(8 * 1024 * 1024);
    const failed = await failureOf(within(5, connection.exec(['cat', '/dev/zero'])));
    expect(failed).toMatchObject({
      code: 'command-failed',
      message: 'h1: `cat /dev/zero` printed too much.',
    });
  });

  test('a deadline ends the command there too', async () => {
    const mark = join(directory, 'deadline');
    const began = performance.now();
    const failed = await failureOf(
      connection.exec(['sh', '-c', `echo $$ > ${mark}; exec sleep 60`], { deadlineSeconds: 0.5 }),
    );
    expect(failed.code).toBe('deadline-passed');
    expect(failed.message).toContain('did not end within 0.5 s');
    expect(performance.now() - began).toBeLessThan(1500);
    const pid = readFileSync(mark, 'utf8').trim();
    await until(() => !existsSync(`/proc/${pid}`), 3);
  });

  test('an abort ends the command and rejects with its reason', async () => {
    const mark = join(directory, 'abort');
    const controller = new AbortController();
    const work = connection.exec(['sh', '-c', `echo $$ > ${mark}; exec sleep 60`], {
      signal: controller.signal,
    });
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8').endsWith('\n'), 3);
    controller.abort(new Error('no longer wanted'));
    await expect(within(1, work)).rejects.toThrow('no longer wanted');
    const pid = readFileSync(mark, 'utf8').trim();
    await until(() => !existsSync(`/proc/${pid}`), 3);
  });

  test('an aborted signal starts nothing', async () => {
    const mark = join(directory, 'never');
    await expect(connection.exec(['touch', mark], { signal: AbortSignal.abort() })).rejects.toThrow();
    await connection.exec(['true']);
    expect(existsSync(mark)).toBe(false);
  });

  test('an abort counts also for a command that still waits for its turn', async () => {
    const stop = new AbortController();
    const long = Array.from({ length: 6 }, () =>
      connection.exec(['sleep', '60'], { signal: stop.signal }).catch(() => 'stopped'),
    );
    const controller = new AbortController();
    const queued = connection.exec(['true'], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('given up')), 100);
    await expect(within(2, queued)).rejects.toThrow('given up');
    stop.abort();
    expect(await Promise.all(long)).toEqual(Array(6).fill('stopped'));
    expect((await connection.exec(['echo', 'on'])).stdout).toBe('on\n');
  });

  test('many at once all come back', async () => {
    const numbers = Array.from({ length: 30 }, (_, index) => String(index));
    const results = await Promise.all(numbers.map((number) => connection.exec(['echo', number])));
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(numbers);
  });

  test('a word with a NUL byte is refused', async () => {
    await expect(connection.exec(['echo', 'a\0b'])).rejects.toThrow('NUL');
  });
});

describe('script', () => {
  test('gets its arguments and keeps its stdin for itself', async () => {
    const { stdout } = await connection.script('cat\nprintf "%s|" "$#" "$@"\n', ['a b', "it's", '']);
    expect(stdout).toBe("3|a b|it's||");
  });

  test('ends with the code of its last command', async () => {
    expect((await connection.script('set -e\nfalse\necho no', [], { anyExit: true })).code).toBe(1);
    expect((await connection.script('exit 5', [], { anyExit: true })).code).toBe(5);
  });

  test('may be long', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `n=${index}`).join('\n');
    expect((await connection.script(`${lines}\necho $n`)).stdout).toBe('19999\n');
  });
});

describe('start', () => {
  test('without a terminal the streams are apart', async () => {
    const running = await connection.start(['sh', '-c', 'cat; echo err >&2; exit 4']);
    running.stdin.end('through');
    const [out, error, code] = await Promise.all([
      textOf(running.stdout),
      textOf(running.stderr),
      running.exit,
    ]);
    expect([out, error, code]).toEqual(['through', 'err\n', 4]);
  });

  test('with a terminal its size is known and follows', async () => {
    const running = await connection.start(
      ['sh', '-c', 'stty size; echo "$TERM"; read x; stty size; exit 6'],
      { terminal: { columns: 91, rows: 33, type: 'xterm-256color' } },
    );
    let text = '';
    running.stdout.on('data', (part) => {
      text += String(part);
    });
    await until(() => text.includes('xterm-256color'), 3);
    running.resize({ columns: 120, rows: 40 });
    running.stdin.write('\n');
    expect(await within(3, running.exit)).toBe(6);
    expect(text.replaceAll('\r\n', '\n')).toMatch(/^33 91\nxterm-256color\n\n40 120\n$/);
  });

  test('an empty argv is a login shell', async () => {
    const running = await connection.start([]);
    running.stdin.end('echo shell-$((40+2))\nexit 9\n');
    expect(await textOf(running.stdout)).toContain('shell-42');
    expect(await running.exit).toBe(9);
  });

  test('kill ends the command', async () => {
    const mark = join(directory, 'kill');
    const running = await connection.start(['sh', '-c', `echo $$ > ${mark}; exec sleep 60`]);
    await until(() => existsSync(mark) && readFileSync(mark, 'utf8').endsWith('\n'), 3);
    running.stdout.resume();
    running.stderr.resume();
    running.kill();
    await within(
      3,
      running.exit.catch(() => 0),
    );
    const pid = readFileSync(mark, 'utf8').trim();
    await until(() => !existsSync(`/proc/${pid}`), 3);
  });
});

describe('place and read', () => {
  test('files get their content, their mode and their parents', async () => {
    const base = join(directory, 'place');
    const binary = Buffer.from([0, 1, 2, 0, 255, 10, 0]);
    const long = join(base, 'l'.repeat(120), 'm'.repeat(120), "it's a file");
    await connection.place([
      { path: join(base, 'one'), mode: 0o600, content: 'one\n' },
      { path: join(base, 'deep', 'er', 'two'), mode: 0o755, content: binary },
      { path: join(base, 'empty'), mode: 0o444, content: '' },
      { path: long, mode: 0o640, content: 'long' },
    ]);
    const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
    expect(readFileSync(join(base, 'one'), 'utf8')).toBe('one\n');
    expect(mode(join(base, 'one'))).toBe('600');
    expect(readFileSync(join(base, 'deep', 'er', 'two'))).toEqual(binary);
    expect(mode(join(base, 'deep', 'er', 'two'))).toBe('755');
    expect(mode(join(base, 'empty'))).toBe('444');
    expect(await connection.read(long)).toEqual(Buffer.from('long'));
    expect(await connection.read(join(base, 'deep', 'er', 'two'))).toEqual(binary);
    expect(await connection.read(join(base, 'empty'))).toEqual(Buffer.alloc(0));
  });

  test('a reader never sees half a file, and nothing but the file stays', async () => {
    const base = join(directory, 'atomic');
    const path = join(base, 'file');
    const contents = ['a', 'b'].map((letter) => letter.repeat(1_000_000));
    await connection.place([{ path, mode: 0o600, content: contents[0] ?? '' }]);
    let placing = true;
    const placed = (async () => {
      for (let round = 0; round < 6; round += 1)
        await connection.place([{ path, mode: 0o600, content: contents[round % 2] ?? '' }]);
      placing = false;
    })();
    let reads = 0;
    while (placing) {
      const text = readFileSync(path, 'utf8');
      expect(text.length === 1_000_000 && contents.includes(text)).toBe(true);
      reads += 1;
      await sleep(2);
    }
    await placed;
    expect(reads).toBeGreaterThan(3);
    expect(readdirSync(base)).toEqual(['file']);
  });

  test('a symbolic link is replaced, not followed', async () => {
    const base = join(directory, 'link');
    await connection.place([{ path: join(base, 'target'), mode: 0o600, content: 'kept' }]);
    await connection.exec(['ln', '-s', 'target', join(base, 'name')]);
    await connection.place([{ path: join(base, 'name'), mode: 0o600, content: 'new' }]);
    expect(readFileSync(join(base, 'target'), 'utf8')).toBe('kept');
    expect(readFileSync(join(base, 'name'), 'utf8')).toBe('new');
  });

  test('a hundred files go in one call', async () => {
    const files = Array.from({ length: 100 }, (_, index) => ({
      path: join(directory, 'many', String(index)),
      mode: 0o644,
      content: `file ${index}`,
    }));
    await connection.place(files);
    expect(readdirSync(join(directory, 'many'))).toHaveLength(100);
    expect(readFileSync(join(directory, 'many', '73'), 'utf8')).toBe('file 73');
  });

  test('when one cannot be written it says which, and leaves nothing of its own', async () => {
    const base = join(directory, 'blocked');
    await connection.place([{ path: join(base, 'file'), mode: 0o600, content: '' }]);
    const failed = await failureOf(
      connection.place([
        { path: join(base, 'good'), mode: 0o600, content: '' },
        { path: join(base, 'file', 'below'), mode: 0o600, content: '' },
      ]),
    );
    expect(failed.code).toBe('command-failed');
    expect(failed.message).toContain('below');
    expect(readdirSync(base)).toEqual(['file']);
  });

  test('a file where a folder stands is refused', async () => {
    const base = join(directory, 'folder');
    await connection.exec(['mkdir', '-p', join(base, 'name')]);
    const failed = await failureOf(
      connection.place([{ path: join(base, 'name'), mode: 0o600, content: 'x' }]),
    );
    expect(failed.code).toBe('command-failed');
    expect(readdirSync(join(base, 'name'))).toEqual([]);
  });

  test('what does not exist reads as null, what cannot be read says so', async () => {
    expect(await connection.read(join(directory, 'no', 'such'))).toBeNull();
    const failed = await failureOf(connection.read(directory));
    expect(failed.code).toBe('command-failed');
    expect(failed.message).toContain('directory');
  });
});

describe('tunnels', () => {
  const path = join(directory, 'http.sock');
  let web: HttpServer;
  let echo: Server;
  let echoPort = 0;

  beforeAll(async () => {
    web = createHttpServer((request, response) => response.end(`answer ${request.url}`));
    await new Promise<void>((resolve) => web.listen(path, resolve));
    echo = createServer((socket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    echoPort = (echo.address() as AddressInfo).port;
  });

  afterAll(() => {
    web.closeAllConnections();
    web.close();
    echo.close();
  });

  const ask = (agent: ReturnType<Connection['httpAgent']>, url: string): Promise<string> =>
    new Promise((resolve, reject) => {
      get({ host: 'docker', path: url, agent }, (response) => textOf(response).then(resolve, reject)).on(
        'error',
        reject,
      );
    });

  test('to a Unix socket', async () => {
    const stream = await connection.openUnix(path);
    stream.write('GET /hello HTTP/1.0\r\n\r\n');
    expect(await textOf(stream)).toContain('answer /hello');
  });

  test('to a TCP port', async () => {
    const text = 'x'.repeat(2_000_000);
    expect(await roundTrip(await connection.openTcp('127.0.0.1', echoPort), text)).toBe(text);
  });

  test('40 HTTP requests at once through one agent, and again over what it kept', async () => {
    const agent = connection.httpAgent(path);
    for (let round = 0; round < 2; round += 1) {
      const urls = Array.from({ length: 40 }, (_, index) => `/${round}/${index}`);
      expect(await Promise.all(urls.map((url) => ask(agent, url)))).toEqual(
        urls.map((url) => `answer ${url}`),
      );
    }
    expect(connection.httpAgent(path)).toBe(agent);
  });

  test('40 forwarded connections at once', async () => {
    const forwarded = await connection.forward('127.0.0.1', echoPort);
    const texts = Array.from({ length: 40 }, (_, index) => `text ${index}`.repeat(9));
    const answers = await Promise.all(
      texts.map((text) => roundTrip(dialTcp(forwarded.port, '127.0.0.1'), text)),
    );
    expect(answers).toEqual(texts);
    await forwarded.close();
    await expect(roundTrip(dialTcp(forwarded.port, '127.0.0.1'), 'x')).rejects.toThrow('ECONNREFUSED');
  });

  test('a missing socket or port is named', async () => {
    expect(await failureOf(connection.openUnix('/no/such.sock'))).toMatchObject({
      code: 'command-failed',
      message: 'h1: nothing listens at /no/such.sock.',
    });
    const port = await freePort();
    expect(await failureOf(connection.openTcp('127.0.0.1', port))).toMatchObject({
      code: 'command-failed',
      message: `h1: nothing answers at 127.0.0.1 port ${port}.`,
    });
    await expect(ask(connection.httpAgent('/no/such.sock'), '/')).rejects.toThrow(
      'h1: nothing listens at /no/such.sock.',
    );
    const forwarded = await connection.forward('127.0.0.1', port);
    await expect(within(3, roundTrip(dialTcp(forwarded.port, '127.0.0.1'), 'x'))).rejects.toThrow(
      'ECONNRESET',
    );
    await forwarded.close();
  });
});

describe('a port that is served there', () => {
  test('brings its streams here, one command at a time has it, and it is free again', async () => {
    const port = await freePort();
    const other = await open();
    const answer = (stream: Duplex) => {
      stream.on('error', () => {});
      stream.pipe(stream);
    };
    const served = await connection.serve(port, answer);
    if (served === null) throw new Error('the port was refused');
    expect(await other.serve(port, answer)).toBeNull();
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    // The host is this machine, so its loopback is ours.
    const answers = texts.map((text) => roundTrip(dialTcp(port, '127.0.0.1'), text));
    expect(await Promise.all(answers)).toEqual(texts);
    await served.close();
    const again = await other.serve(port, answer);
    expect(again).not.toBeNull();
    await again?.close();
  });

  test('may be given back after the connection is gone', async () => {
    const { connection: cuttable, server } = await openCuttable();
    const served = await cuttable.serve(await freePort(), (stream) => stream.destroy());
    process.kill(server, 'SIGKILL');
    await within(3, served?.close() ?? Promise.resolve());
    await until(() => cuttable.state().kind === 'connected', 5);
    await within(3, served?.close() ?? Promise.resolve());
  });
});

describe.concurrent('who answers', () => {
  test('another host key is refused with both fingerprints', async () => {
    const other = generateKeyPair('other').publicKey;
    const began = performance.now();
    const failed = await failureOf(connect({ ...sshd.target, hostKey: other }, { deadlineSeconds: 20 }));
    expect(failed).toMatchObject({
      code: 'host-key-changed',
      message: `h1 (127.0.0.1) shows host key ${fingerprint(keyBlob(sshd.target.hostKey))}, but ${fingerprint(keyBlob(other))} is pinned.`,
    });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('a key that the host does not know is not tried for ever', async () => {
    const began = performance.now();
    const failed = await failureOf(
      connect({ ...sshd.target, privateKey: generateKeyPair('x').privateKey }, { deadlineSeconds: 20 }),
    );
    expect(failed).toMatchObject({
      code: 'host-silent',
      message: 'h1 (127.0.0.1) does not accept our key for root.',
    });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test('an sshd that comes later is waited for', async () => {
    const late = await ownSshd('late');
    setTimeout(() => void late.start(), 700);
    const began = performance.now();
    const fresh = await open(late.target, { deadlineSeconds: 10 });
    const waited = performance.now() - began;
    expect((await fresh.exec(['echo', 'here'])).stdout).toBe('here\n');
    expect(waited).toBeGreaterThan(600);
    expect(waited).toBeLessThan(2500);
  });

  test('one that never comes is named with the deadline', async () => {
    const port = await freePort();
    const began = performance.now();
    const failed = await failureOf(connect({ ...sshd.target, port }, { deadlineSeconds: 1 }));
    expect(failed.code).toBe('host-silent');
    expect(failed.message).toBe(
      `h1 (127.0.0.1 port ${port}) did not answer over SSH within 1 s: connect ECONNREFUSED 127.0.0.1:${port}.`,
    );
    expect(performance.now() - began).toBeLessThan(2000);
  });

  test.each([
    ['says nothing', () => {}],
    ['hangs up at once', (socket: Duplex) => socket.destroy()],
    ['hangs up after its banner', (socket: Duplex) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
    ['speaks something else', (socket: Duplex) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('a server that %s is silence too, and the deadline holds', async (_, behave) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const work = connect({ ...sshd.target, port }, { deadlineSeconds: 1 });
      expect((await failureOf(within(4, work))).code).toBe('host-silent');
    } finally {
      server.close();
    }
  });

  test('an abort ends the wait at once', async () => {
    const controller = new AbortController();
    const port = await freePort();
    const work = connect({ ...sshd.target, port }, { deadlineSeconds: 30, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('stop')), 100);
    await expect(within(1, work)).rejects.toThrow('stop');
  });
});

describe.concurrent('a connection that is lost', () => {
  function record(subject: Connection): ConnectionState[] {
    const states: ConnectionState[] = [];
    subject.onState((state) => states.push(state));
    return states;
  }

  test('comes back by itself; what was under way says what is known', async () => {
    const { connection: cuttable, server } = await openCuttable();
    const states = record(cuttable);
    const command = failureOf(cuttable.exec(['sleep', '60']));
    const running = await cuttable.start(['sleep', '61']);
    await sleep(200);
    process.kill(server, 'SIGKILL');
    expect(await within(3, command)).toMatchObject({
      code: 'host-lost',
      message: 'The connection to h1 was lost; it is not known how far `sleep 60` came.',
    });
    expect((await failureOf(within(3, running.exit))).code).toBe('host-lost');
    await until(() => cuttable.state().kind === 'connected', 5);
    expect(states.map(({ kind }) => kind)).toEqual(['reconnecting', 'connected']);
    expect(states[0]).toMatchObject({ attempt: 0, reason: 'the connection was cut' });
    expect((await cuttable.exec(['echo', 'back'])).stdout).toBe('back\n');
  });

  test('whatever is asked in that moment settles, as a failure of the catalogue or as if nothing had been', async () => {
    for (let round = 0; round < 3; round += 1) {
      const { connection: cuttable, server } = await openCuttable();
      const agent = cuttable.httpAgent(join(directory, 'none.sock'));
      const ask = () =>
        new Promise((resolve) => get({ host: 'x', agent }, resolve).on('error', (error) => resolve(error)));
      const failures: unknown[] = [];
      const note = (thrown: unknown) => {
        failures.push(thrown);
      };
      const work: Promise<unknown>[] = [];
      const burst = () => {
        for (let index = 0; index < 3; index += 1) {
          work.push(cuttable.exec(['true']).catch(note), finish(cuttable).catch(note));
          work.push(
            cuttable.openUnix('/no/such.sock').catch(note),
            cuttable.openTcp('127.0.0.1', 1).catch(note),
          );
          work.push(ask());
        }
      };
      burst();
      await sleep(round * 3);
      process.kill(server, 'SIGKILL');
      burst();
      setTimeout(burst, 1);
      setTimeout(burst, 4);
      await sleep(30);
      await within(15, Promise.all(work));
      const codes = new Set(
        failures.map((thrown) => (thrown instanceof Failure ? thrown.error.code : String(thrown))),
      );
      codes.delete('host-lost');
      codes.delete('command-failed');
      expect([...codes]).toEqual([]);
      for (const thrown of failures) {
        // "nothing listens" is only said by a host that answered.
        if (thrown instanceof Failure && thrown.error.code === 'command-failed')
          expect(String(thrown.cause)).not.toContain('No response');
      }
    }
  });

  test('a half-open one is found by keep-alive, and nothing waits for longer than it may', async () => {
    const { connection: cuttable, server } = await openCuttable();
    const states = record(cuttable);
    process.kill(server, 'SIGSTOP');
    try {
      const began = performance.now();
      const lost = failureOf(cuttable.exec(['true']));
      const short = failureOf(cuttable.exec(['true'], { deadlineSeconds: 1 }));
      const controller = new AbortController();
      const aborted = cuttable.exec(['true'], { signal: controller.signal });
      setTimeout(() => controller.abort(new Error('stop')), 300);
      await expect(within(1, aborted)).rejects.toThrow('stop');
      expect((await within(2, short)).code).toBe('deadline-passed');
      expect(await within(13, lost)).toMatchObject({
        code: 'host-lost',
        message: 'The connection to h1 was lost; it is not known whether `true` was started.',
      });
      expect(performance.now() - began).toBeLessThan(12_500);
      await until(() => cuttable.state().kind === 'connected', 5);
      expect(states.map(({ kind }) => kind)).toEqual(['reconnecting', 'connected']);
    } finally {
      process.kill(server, 'SIGKILL');
    }
  }, 30_000);

  test('is tried again for as long as it takes, and says why it is not there', async () => {
    const own = await ownSshd('own');
    await own.start();
    const fresh = await open(own.target);
    await own.stop();
    await until(() => fresh.state().kind === 'reconnecting', 3);
    const failed = await failureOf(within(5, fresh.exec(['true'])));
    expect(failed.code).toBe('host-lost');
    expect(failed.message).toContain('ECONNREFUSED');
    const state = fresh.state();
    expect(state).toMatchObject({ kind: 'reconnecting', reason: expect.stringContaining('ECONNREFUSED') });
    await own.start();
    await until(() => fresh.state().kind === 'connected', 6);
    expect((await fresh.exec(['echo', 'back'])).stdout).toBe('back\n');
  });

  test('is not resumed with another machine', async () => {
    const own = await ownSshd('own');
    const other = await ownSshd('other');
    await own.start();
    const fresh = await open(own.target);
    await own.stop();
    // The other machine takes the address: same port, its own host key.
    await other.startAt(own.target.port);
    await until(() => {
      const state = fresh.state();
      return state.kind === 'reconnecting' && state.reason.includes('is pinned');
    }, 5);
    const failed = await failureOf(fresh.exec(['true']));
    expect(failed.message).toContain('is pinned');
  });
});

describe.concurrent('close', () => {
  test('says so, ends what is open, and may be called twice', async () => {
    const fresh = await open();
    const states: ConnectionState[] = [];
    fresh.onState((state) => states.push(state));
    const command = failureOf(fresh.exec(['sleep', '60']));
    await sleep(100);
    await within(2, fresh.close());
    await fresh.close();
    expect(states).toEqual([{ kind: 'closed' }]);
    expect((await within(2, command)).code).toBe('host-lost');
    expect((await failureOf(within(1, fresh.exec(['true'])))).code).toBe('host-lost');
  });

  /** Milliseconds that a program with one connection lives after it was closed. */
  async function lifeAfterClose(body: string): Promise<number> {
    const program = await bundle(`
      import { connect } from './main/host/connect.ts';
      import { setTimeout as sleep } from 'node:timers/promises';
      const target = JSON.parse(process.env.TARGET ?? '');
      void (async () => { ${body}; console.log('closed'); })();
    `);
    try {
      const child = spawn(process.execPath, [program.path], {
        env: { ...process.env, TARGET: JSON.stringify(sshd.target) },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let closed = 0;
      child.stdout.on('data', () => {
        closed = performance.now();
      });
      const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
      try {
        expect(await within(15, exit)).toBe(0);
      } finally {
        child.kill('SIGKILL');
      }
      expect(closed).toBeGreaterThan(0);
      return performance.now() - closed;
    } finally {
      program.remove();
    }
  }

  test('lets the process end', async () => {
    const life = await lifeAfterClose(`
      const connection = await connect(target, { deadlineSeconds: 5 });
      await connection.exec(['true']);
      await connection.forward('127.0.0.1', 1);
      connection.httpAgent('/no/such.sock');
      await connection.close()`);
    expect(life).toBeLessThan(1500);
  });

  test('lets the process end also when the host is silent meanwhile', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    try {
      const life = await lifeAfterClose(`
        const controller = new AbortController();
        setTimeout(() => controller.abort(), 300);
        await connect({ ...target, port: ${port} }, { deadlineSeconds: 20, signal: controller.signal }).catch(() => {})`);
      expect(life).toBeLessThan(2000);
    } finally {
      silent.close();
    }
  });
});

test('none of this made Node warn', () => {
  expect(warnings).toEqual([]);
});
