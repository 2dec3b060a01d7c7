import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPodImage } from './pod-image.ts';

/* A Docker of the test's own, in a network namespace of its own, that shares nothing with the machine's. */
const directory = mkdtempSync(join(tmpdir(), 'fl-image-'));
const socket = `unix://${join(directory, 'socket')}`;
const cgroup = `fl-image-${process.pid}`;
let daemon: ChildProcess | null = null;

const docker = (args: string[], input?: Buffer): string =>
  execFileSync('docker', ['-H', socket, ...args], {
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input === undefined ? {} : { input }),
  }).trim();

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      if (condition()) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited 10 s for ${what}`);
}

beforeAll(async () => {
  writeFileSync(join(directory, 'daemon.json'), '{}');
  const paths = [
    ...['--config-file', join(directory, 'daemon.json'), '--pidfile', join(directory, 'pid')],
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')],
  ];
  const group = ['--cgroup-parent', `/${cgroup}`];
  const network = ['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'];
  daemon = spawn('unshare', ['--net', 'dockerd', ...paths, '-H', socket, ...group, ...network], {
    stdio: 'ignore',
  });
  await until(() => docker(['version']) !== '', 'dockerd');
  const { tar, tag, changes } = await buildPodImage();
  docker(['import', ...changes.flatMap((change) => ['--change', change]), '-', tag], tar);
});

afterAll(async () => {
  for (const container of docker(['ps', '-aq']).split('\n').filter(Boolean)) docker(['rm', '-f', container]);
  const ended = new Promise((resolve) => daemon?.once('exit', resolve));
  daemon?.kill('SIGTERM');
  await ended;
  execFileSync('find', [
    ...['/sys/fs/cgroup', '-depth', '-type', 'd', '-name', cgroup],
    '-exec',
    'rmdir',
    '{}',
    '+',
  ]);
  rmSync(directory, { recursive: true, force: true });
});

test('a pod of the image answers who asks, and ends at once when it is told to', async () => {
  const { tag } = await buildPodImage();
  docker(['run', '-d', '--name', 'web', '--hostname', 'h1-a', '--network', 'none', tag]);
  const ask = () => docker(['exec', 'web', 'wget', '-q', '-O', '-', 'http://127.0.0.1/cgi-bin/whoami']);
  await until(() => ask() !== '', 'the server');
  expect(JSON.parse(ask())).toEqual({ pod: 'h1-a', source: '127.0.0.1' });
  expect(docker(['exec', 'web', 'id', '-un'])).toBe('root');
  const start = performance.now();
  docker(['stop', '--time', '9', 'web']);
  expect(performance.now() - start).toBeLessThan(3000);
  expect(docker(['inspect', '--format', '{{.State.ExitCode}}', 'web'])).toBe('0');
});

test('PORT moves the server', async () => {
  const { tag } = await buildPodImage();
  const script = 'serve & sleep 0.3; wget -q -O - http://127.0.0.1:8123/';
  const page = docker(['run', '--rm', '--network', 'none', '--env', 'PORT=8123', tag, 'sh', '-c', script]);
  expect(page).toContain('Flatland pod');
});

test('a server that cannot listen ends the pod with an error', async () => {
  const { tag } = await buildPodImage();
  const run = () => docker(['run', '--rm', '--network', 'none', '--env', 'PORT=none', tag]);
  expect(run).toThrow();
});
