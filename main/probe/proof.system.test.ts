import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ProbeResult } from '../../contract/probe.ts';
import type { Connection } from '../host/connection.ts';
import { buildPodImage } from '../provision/image/pod-image.ts';
import { climb, firstSizes, largestPassed } from './ladder.ts';
import { everyCell, type ProofHost, type ProofPod, runProof } from './proof.ts';

/*
 * Three hosts as network namespaces, joined by a bridge in a fourth; two pods on each behind a bridge of their host, as
 * Docker makes them, with plain routes between the hosts (what the host-gw backend programs): so the overlay's MTU is
 * the underlay's. The pods run the built-in image's own server.
 */
const overlayMtu = 1500;
const children: ChildProcess[] = [];
const undo: (() => void)[] = [];
const tree = mkdtempSync(join(tmpdir(), 'fl-probe-'));
const hostNumbers = [1, 2, 3];
const pids = new Map<string, number>();
const servers = new Map<string, ChildProcess>();

const pidOf = (name: string): number => {
  const pid = pids.get(name);
  if (pid === undefined) throw new Error(`no namespace ${name}`);
  return pid;
};
const within = (name: string, script: string): string =>
  execFileSync('nsenter', [`--net=/proc/${pidOf(name)}/ns/net`, 'sh', '-ec', script], { encoding: 'utf8' });

/** A process that holds a network namespace, and a host name of its own for pods. */
async function hold(name: string): Promise<void> {
  const child = spawn(
    'unshare',
    ['--net', '--uts', 'sh', '-c', `hostname ${name}; ip link set lo up; echo ready; exec sleep 600`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  if (child.pid === undefined) throw new Error('unshare did not start');
  pids.set(name, child.pid);
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`${name} ended`)));
  });
}

function serve(pod: string): void {
  const pid = pidOf(pod);
  const child = spawn(
    'nsenter',
    [
      ...[`--net=/proc/${pid}/ns/net`, `--uts=/proc/${pid}/ns/uts`],
      ...['unshare', '--pid', '--fork', '--kill-child', `--mount-proc=${tree}/proc`],
      ...['chroot', tree, '/bin/serve'],
    ],
    { stdio: 'ignore' },
  );
  children.push(child);
  servers.set(pod, child);
}

const listens = (pod: string): boolean => within(pod, 'ss -Hltn "sport = :80"').trim() !== '';

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited 4 s for ${what}`);
}

async function stopServer(pod: string): Promise<void> {
  servers.get(pod)?.kill('SIGKILL');
  await until(() => !listens(pod), `the server of ${pod} to end`);
  undo.push(() => serve(pod));
}

/** Runs scripts on a "host" as a connection does: `sh` reads the script from stdin, lines come as they are printed. */
function scriptOn(host: string, environment: Record<string, string> = {}): Pick<Connection, 'script'> {
  return {
    script: (text, args = [], settings = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn(
          '/usr/bin/nsenter',
          [`--net=/proc/${pidOf(host)}/ns/net`, 'sh', '-s', '--', ...args],
          {
            env: { ...process.env, ...environment },
            stdio: ['pipe', 'pipe', 'pipe'],
            ...(settings.signal === undefined ? {} : { signal: settings.signal }),
          },
        );
        let stdout = '';
        let stderr = '';
        createInterface({ input: child.stdout }).on('line', (line) => {
          stdout += `${line}\n`;
          settings.onLine?.(line);
        });
        child.stderr.on('data', (part) => {
          stderr += String(part);
        });
        child.once('error', reject);
        child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
        child.stdin.end(text);
      }),
  };
}

function cutOff(): void {
  within('wire', 'ip link set p3 down');
  undo.push(() => {
    within('wire', 'ip link set p3 up');
    for (const number of hostNumbers) within(`h${number}`, 'ip neigh flush dev eth0');
  });
}

const hosts = (): ProofHost[] =>
  hostNumbers.map((number) => ({
    name: `h${number}`,
    address: `10.210.0.1${number}`,
    connection: scriptOn(`h${number}`),
  }));
const pods = (): ProofPod[] =>
  hostNumbers.flatMap((number) =>
    ['a', 'b'].map((letter, index) => ({
      name: `h${number}-${letter}`,
      host: `h${number}`,
      address: `10.77.${number}.${index + 2}`,
      pid: pidOf(`h${number}-${letter}`),
      port: 80,
    })),
  );

async function prove(
  changes: Partial<Parameters<typeof runProof>[0]> = {},
): Promise<{ results: ProbeResult[]; proof: Awaited<ReturnType<typeof runProof>>; seconds: number }> {
  const results: ProbeResult[] = [];
  const start = performance.now();
  const proof = await runProof({
    hosts: hosts(),
    pods: pods(),
    selection: everyCell,
    overlayMtu,
    signal: new AbortController().signal,
    onResult: (result) => results.push(result),
    ...changes,
  });
  const seconds = (performance.now() - start) / 1000;
  const reds = results.filter(({ ok }) => !ok).length;
  console.log(
    `${results.length} cells, ${reds} red, RTT ${proof.rttMilliseconds} ms, ${seconds.toFixed(2)} s`,
  );
  return { results, proof, seconds };
}

const red = (results: readonly ProbeResult[]) => results.filter(({ ok }) => !ok);
const words = ({ kind, from, to, expected, seen }: ProbeResult) =>
  `${kind} ${from.name} ${to.name}: ${expected} / ${seen}`;

beforeAll(async () => {
  const { tar } = await buildPodImage();
  execFileSync('tar', ['-xf', '-', '-C', tree], { input: tar });
  mkdirSync(join(tree, 'proc'));
  mkdirSync(join(tree, 'dev'));
  execFileSync('mknod', [join(tree, 'dev', 'null'), 'c', '1', '3']);
  await Promise.all(
    ['wire', ...hostNumbers.flatMap((number) => [`h${number}`, `h${number}-a`, `h${number}-b`])].map(hold),
  );
  within('wire', 'ip link add u0 type bridge; ip link set u0 up');
  for (const number of hostNumbers) {
    within(
      'wire',
      `ip link add p${number} type veth peer name eth0 netns ${pidOf(`h${number}`)}; ip link set p${number} master u0 up`,
    );
    within(
      `h${number}`,
      `ip addr add 10.210.0.1${number}/24 dev eth0; ip link set eth0 up
      ip link add docker0 type bridge; ip addr add 10.77.${number}.1/24 dev docker0; ip link set docker0 up
      sysctl -qw net.ipv4.ip_forward=1
      ${hostNumbers
        .filter((other) => other !== number)
        .map((other) => `ip route add 10.77.${other}.0/24 via 10.210.0.1${other}`)
        .join('\n')}`,
    );
    for (const [index, letter] of ['a', 'b'].entries()) {
      const pod = `h${number}-${letter}`;
      within(
        `h${number}`,
        `ip link add v${letter} type veth peer name eth0 netns ${pidOf(pod)}; ip link set v${letter} master docker0 up`,
      );
      within(
        pod,
        `ip addr add 10.77.${number}.${index + 2}/24 dev eth0; ip link set eth0 up; ip route add default via 10.77.${number}.1`,
      );
      serve(pod);
    }
  }
  await until(() => pods().every(({ name }) => listens(name)), 'the servers');
});

afterEach(async () => {
  for (const action of undo.splice(0).reverse()) action();
  await until(() => pods().every(({ name }) => listens(name)), 'the servers');
});

afterAll(async () => {
  const ended = children.map(
    (child) =>
      new Promise<void>((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve();
        else child.once('exit', () => resolve());
      }),
  );
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ended);
  rmSync(tree, { recursive: true, force: true });
});

test('a healthy lab is green in every cell, quickly', async () => {
  await prove();
  const { results, proof, seconds } = await prove();
  expect(red(results).map(words)).toEqual([]);
  expect(proof).toMatchObject({ pairs: 48, greenPairs: 48, cells: 192, greenCells: 192, mtu: overlayMtu });
  expect(proof.rttMilliseconds).toBeGreaterThan(0);
  expect(proof.rttMilliseconds).toBeLessThan(50);
  expect(new Set(results.map(({ path }) => path))).toEqual(new Set(['same-host', 'cross-host']));
  expect(seconds).toBeLessThan(5);
});

test('cells come as they are measured: green ones do not wait for dead ones', async () => {
  cutOff();
  const start = performance.now();
  const at: { ok: boolean; seconds: number }[] = [];
  await prove({ onResult: ({ ok }) => at.push({ ok, seconds: (performance.now() - start) / 1000 }) });
  const seconds = (performance.now() - start) / 1000;
  const early = at.filter((cell) => cell.seconds < 1);
  expect(seconds).toBeGreaterThan(1.5);
  expect(early.length).toBeGreaterThan(48);
  expect(early.every(({ ok }) => ok)).toBe(true);
});

test('a smaller MTU on one underlay port: the MTU cells of its paths are red with the value found', async () => {
  within('h3', 'ip link set eth0 mtu 1400');
  undo.push(() => {
    within('h3', 'ip link set eth0 mtu 1500');
    for (const name of pids.keys()) within(name, 'ip route flush cache');
  });
  const { results, seconds } = await prove();
  const reds = red(results);
  expect(reds.length).toBeGreaterThan(0);
  for (const { kind, from, to, expected, seen, path } of reds) {
    expect([kind, path]).toEqual(['mtu', 'cross-host']);
    expect([from.host, to.host]).toContain('h3');
    expect(expected).toBe('1500 bytes');
    // A veth lets a VLAN tag's four bytes more in than its MTU says.
    expect(seen).toMatch(from.host === 'h3' ? /^1400 bytes/ : /^1404 bytes/);
  }
  const crossing = results.filter(
    ({ kind, path, from, to }) =>
      kind === 'mtu' && path === 'cross-host' && [from.host, to.host].includes('h3'),
  );
  expect(reds.length).toBe(crossing.length);
  expect(seconds).toBeLessThan(15);

  // What a kernel learned about a path it keeps for ten minutes: as red as before, but it says so.
  within('h3', 'ip link set eth0 mtu 1500');
  const mended = red((await prove()).results);
  expect(mended.length).toBe(8);
  for (const { from, seen } of mended) {
    expect([from.kind, from.host]).toEqual(['pod', 'h3']);
    expect(seen).toMatch(/^1400 bytes \(as its kernel remembers for \d{1,3} s\)$/);
  }
});

/** The ladder between two pods; the outcome and ping's words of each size. */
async function ladder(from: string, to: string) {
  const target = pods().find(({ name }) => name === to);
  const rounds: number[] = [];
  const rungs = await climb({
    connection: scriptOn(from.slice(0, 2)),
    source: { pid: pidOf(from) },
    address: target?.address ?? '',
    sizes: firstSizes(overlayMtu, overlayMtu),
    signal: new AbortController().signal,
    onRungs: (grown) => rounds.push(grown.length),
  });
  const at = (size: number) => rungs.find((rung) => rung.size === size);
  return { largest: largestPassed(rungs), rungs, rounds, at };
}

test('a ladder: what the sender knows is refused, and a sound path needs one round', async () => {
  const { largest, at, rounds } = await ladder('h1-a', 'h3-a');
  expect(largest).toBe(1500);
  expect(at(1500)).toMatchObject({ outcome: 'passed' });
  expect(at(1501)).toMatchObject({ outcome: 'refused', said: 'message too long, mtu=1500' });
  expect(rounds).toHaveLength(1);
});

test('a ladder over a narrow link: silence on one way, a word of the router on the other, and the exact size on both', async () => {
  within('h3', 'ip link set eth0 mtu 1400');
  undo.push(() => {
    within('h3', 'ip link set eth0 mtu 1500');
    for (const name of pids.keys()) within(name, 'ip route flush cache');
  });
  const towards = await ladder('h1-a', 'h3-a');
  // A veth lets a VLAN tag's four bytes more in than its MTU says.
  expect(towards.largest).toBe(1404);
  expect(towards.at(1405)).toMatchObject({ outcome: 'dropped', said: 'no answer' });
  const away = await ladder('h3-a', 'h1-a');
  expect(away.largest).toBe(1400);
  const words = away.rungs.filter(({ outcome }) => outcome !== 'passed').map(({ said }) => said);
  expect(words).toContain('Frag needed and DF set (mtu = 1400), says 10.77.3.1');
});

test('a ladder over a dead path has no largest size, and one small packet was tried', async () => {
  cutOff();
  const { largest, rungs } = await ladder('h1-a', 'h3-a');
  expect(largest).toBeNull();
  expect(rungs[0]).toMatchObject({ size: 68, outcome: 'dropped' });
});

test('a selection measures no more than it needs', async () => {
  const selection = { from: 'h1-a', to: 'h2-b', kinds: ['ping' as const] };
  const scripts: string[] = [];
  const watched = hosts().map((host) => ({
    ...host,
    connection: {
      script: (...[text, ...rest]: Parameters<Connection['script']>) => {
        scripts.push(text);
        return scriptOn(host.name).script(text, ...rest);
      },
    },
  }));
  const { results, proof } = await prove({ hosts: watched, selection });
  expect(results.map(({ kind, from, to, ok }) => [kind, from.name, to.name, ok])).toEqual([
    ['ping', 'h1-a', 'h2-b', true],
  ]);
  expect(proof).toMatchObject({ pairs: 1, cells: 1, greenCells: 1, mtu: null });
  expect(scripts).toHaveLength(1);
  const http = await prove({ selection: { from: null, to: 'h2-b', kinds: ['source', 'http'] } });
  expect(http.results.filter(({ ok }) => ok)).toHaveLength((5 + 3) * 2);
  const mtu = await prove({ selection: { from: 'h3', to: null, kinds: ['mtu'] } });
  expect(mtu.results.filter(({ ok, kind }) => ok && kind === 'mtu')).toHaveLength(6);
});

test('a larger MTU than the overlay should have is red as well', async () => {
  const { results } = await prove({ overlayMtu: 1450 });
  const reds = red(results);
  expect(reds.length).toBe(48);
  for (const { kind, expected, seen } of reds) {
    expect([kind, expected, seen]).toEqual(['mtu', '1450 bytes', '1500 bytes']);
  }
});

test('masquerading shows in the source cells, with what was expected and what was seen', async () => {
  const rule = 'POSTROUTING -s 10.77.1.0/24 ! -d 10.77.1.0/24 -j MASQUERADE';
  within('h1', `iptables -t nat -A ${rule}`);
  undo.push(() => within('h1', `iptables -t nat -D ${rule}`));
  const { results } = await prove();
  const reds = red(results);
  expect(reds.length).toBe(8);
  for (const { kind, from, expected, seen, path } of reds) {
    expect([kind, from.host, path]).toEqual(['source', 'h1', 'cross-host']);
    expect([expected, seen]).toEqual([from.address, '10.210.0.11']);
  }
});

test('a server that ended: source and HTTP are red, ping and MTU are not', async () => {
  await stopServer('h2-a');
  const { results, seconds } = await prove();
  const reds = red(results);
  expect(reds.length).toBe(16);
  for (const { kind, to, seen } of reds) {
    expect(['source', 'http']).toContain(kind);
    expect([to.name, seen]).toEqual(['h2-a', 'connection refused']);
  }
  expect(seconds).toBeLessThan(5);
});

test('a server that accepts and never answers costs two seconds', async () => {
  await stopServer('h2-a');
  const silent = spawn(
    'nsenter',
    [`--net=/proc/${pidOf('h2-a')}/ns/net`, 'busybox', 'nc', '-ll', '-p', '80', '-e', 'sleep', '30'],
    { stdio: 'ignore', detached: true },
  );
  const { pid } = silent;
  if (pid === undefined) throw new Error('nc did not start');
  await until(() => listens('h2-a'), 'nc');
  const { results, seconds } = await prove();
  process.kill(-pid, 'SIGKILL');
  await until(() => !listens('h2-a'), 'nc to end');
  expect(new Set(red(results).map(({ to, seen }) => `${to.name}: ${seen}`))).toEqual(
    new Set(['h2-a: no answer within 2 s']),
  );
  expect(seconds).toBeLessThan(9);
});

test('a host that cannot be reached: ping is red, in bounded time, and the others stay green', async () => {
  cutOff();
  const { results, proof, seconds } = await prove();
  expect(results.length).toBe(192);
  for (const result of results) {
    const across = result.path === 'cross-host' && [result.from.host, result.to.host].includes('h3');
    expect(result.ok, words(result)).toBe(!across);
  }
  const ping = results.find(
    ({ kind, from, to }) => kind === 'ping' && from.name === 'h1-a' && to.name === 'h3-a',
  );
  expect(ping?.seen).toBe('100 % loss');
  expect(proof.greenPairs).toBe(48 - 24);
  expect(seconds).toBeLessThan(15);
});

test('a lost connection, a pod that does not run and one that ended meanwhile are red cells with their reason', async () => {
  const { results, proof } = await prove({
    hosts: hosts().map((host) => (host.name === 'h2' ? { ...host, connection: null } : host)),
    pods: pods().map((pod) => {
      if (pod.host === 'h2') return { ...pod, address: '', pid: 0 };
      if (pod.name === 'h1-b') return { ...pod, address: '', pid: 0 };
      return pod.name === 'h3-a' ? { ...pod, pid: 4_194_304 } : pod;
    }),
  });
  expect([results.length, proof.pairs]).toEqual([192, 48]);
  const seen = (from: string, to: string) => [
    ...new Set(
      results.filter((cell) => cell.from.name === from && cell.to.name === to).map((cell) => cell.seen),
    ),
  ];
  expect(seen('h2', 'h1-a')).toEqual(['no answer: host h2 lost']);
  expect(seen('h1', 'h2-a')).toEqual(['no answer: host h2 lost']);
  expect(seen('h1', 'h1-b')).toEqual(['pod h1-b does not run']);
  expect(seen('h1-b', 'h1-a')).toEqual(['pod h1-b does not run']);
  expect(seen('h3-a', 'h1-a')).toEqual(['the network namespace of h3-a cannot be entered']);
  expect(results.filter(({ from, to, ok }) => from.name === 'h1-a' && to.name === 'h3-b' && ok).length).toBe(
    4,
  );
});

test('cancelling ends the proof at once with the reason of the signal', async () => {
  cutOff();
  const controller = new AbortController();
  const start = performance.now();
  setTimeout(() => controller.abort(), 200);
  await expect(prove({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' });
  expect(performance.now() - start).toBeLessThan(1000);
});

test.each(['wget', 'curl', 'bash', 'busybox'])('%s alone is enough for HTTP', async (client) => {
  const programs = mkdtempSync(join(tmpdir(), 'fl-probe-path-'));
  undo.push(() => rmSync(programs, { recursive: true, force: true }));
  for (const program of [
    'sh',
    'ping',
    'nsenter',
    'ip',
    'timeout',
    'head',
    'cat',
    ...(client === 'wget' ? [] : [client]),
  ]) {
    const found = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
    symlinkSync(found, join(programs, program));
  }
  // A wget that is a link may be busybox's, which takes other options: the real file must be the one that is found.
  if (client === 'wget') execFileSync('cp', ['/usr/bin/wget', join(programs, 'wget')]);
  const path = { PATH: programs };
  const { results } = await prove({
    hosts: hosts().map((host) => ({ ...host, connection: scriptOn(host.name, path) })),
  });
  expect(red(results).map(words)).toEqual([]);
  await stopServer('h1-a');
  const stopped = await prove({
    hosts: hosts().map((host) => ({ ...host, connection: scriptOn(host.name, path) })),
  });
  expect(new Set(red(stopped.results).map(({ to, seen }) => `${to.name}: ${seen}`))).toEqual(
    new Set([client === 'curl' ? 'h1-a: no connection' : 'h1-a: connection refused']),
  );
});
