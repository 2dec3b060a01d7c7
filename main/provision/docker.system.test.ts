import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtInImage, type Pod } from '../../contract/lab.ts';
import { failureOf } from '../../test/support/failure.ts';
import { prepareSshd, type TestSshd } from '../../test/support/sshd.ts';
import { connect } from '../host/connect.ts';
import type { Connection } from '../host/connection.ts';
import { readAgentStatus } from './agent-status.ts';
import {
  dockerOf,
  dockerVersion,
  dockerWords,
  ensurePod,
  listPods,
  readDockerOptions,
  removePods,
} from './docker.ts';
import { ensureImage } from './image.ts';

/* A real dockerd beside a real sshd, both with a /run of their own, as on a host; it shares nothing with this machine's. */
const directory = mkdtempSync(join(tmpdir(), 'fl-docker-'));
const cgroup = `fl-docker-${process.pid}`;
let sshd: TestSshd;
let daemon: ChildProcess;
let connection: Connection;

const { signal } = new AbortController();
const context = { signal, progress: () => {} };
const pod = (name: string, change: Partial<Pod> = {}): Pod => ({
  name,
  host: 'h1',
  image: builtInImage,
  command: null,
  ports: [80],
  labels: { tier: 'web' },
  ...change,
});

beforeAll(async () => {
  sshd = await prepareSshd('h1');
  await sshd.start();
  writeFileSync(join(directory, 'daemon.json'), '{}');
  const flags = [
    ...['--config-file', join(directory, 'daemon.json'), '--pidfile', join(directory, 'pid')],
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')],
    ...['-H', 'unix:///run/docker.sock', '--cgroup-parent', `/${cgroup}`],
    ...['--bip=10.9.9.1/24', '--iptables=false', '--ip-forward=false', '--ip-masq=false'],
  ];
  daemon = spawn('nsenter', [`--mount=/proc/${sshd.pid()}/ns/mnt`, 'unshare', '--net', 'dockerd', ...flags], {
    stdio: 'ignore',
  });
  connection = await connect(sshd.target, { deadlineSeconds: 5 });
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    if (await dockerVersion(dockerOf(connection)).catch(() => null)) return;
    await sleep(100);
  }
  throw new Error('dockerd did not start');
});

afterAll(async () => {
  const docker = dockerOf(connection);
  const pods = await listPods(docker, 'h1', signal).catch(() => []);
  await Promise.all(pods.map(({ id }) => docker.getContainer(id).remove({ force: true })));
  await connection.close();
  const ended = new Promise((resolve) => daemon.once('exit', resolve));
  daemon.kill('SIGTERM');
  await ended;
  await sshd.remove();
  const found = [
    '/sys/fs/cgroup',
    '-depth',
    '-type',
    'd',
    '-path',
    `*/${cgroup}*`,
    '-exec',
    'rmdir',
    '{}',
    '+',
  ];
  execFileSync('find', found);
  rmSync(directory, { recursive: true, force: true });
});

test('the built-in image is imported once', async () => {
  expect(await ensureImage(connection, builtInImage, context)).toBe('changed');
  expect(await ensureImage(connection, builtInImage, context)).toBe('unchanged');
});

test('an import that was cut off before the image had its name is finished', async () => {
  await dockerOf(connection).getImage(`${builtInImage}:latest`).remove();
  expect(await ensureImage(connection, builtInImage, context)).toBe('changed');
  expect(await ensureImage(connection, builtInImage, context)).toBe('unchanged');
});

test('an image that is nowhere is named', async () => {
  const error = await failureOf(ensureImage(connection, 'registry.invalid/no/such:1', context));
  expect(error.code).toBe('image-unknown');
  expect(error.message).toMatch(/^Image registry\.invalid\/no\/such:1 could not be put on h1: ./);
});

test('a pod is started, left alone, started again, and replaced when it is another', async () => {
  const docker = dockerOf(connection);
  const first = await ensurePod(docker, 'demo', pod('web'), true, signal);
  expect(first.outcome).toBe('changed');
  expect(first.pod.status).toMatchObject({
    name: 'web',
    host: 'h1',
    image: builtInImage,
    ports: [80],
    labels: { tier: 'web' },
    state: 'running',
    declared: true,
  });
  expect(first.pod.status.address).toMatch(/^10\.9\.9\.\d+$/);
  expect(first.pod.pid).toBeGreaterThan(0);

  const again = await ensurePod(docker, 'demo', pod('web'), true, signal);
  expect([again.outcome, again.pod.id]).toEqual(['unchanged', first.pod.id]);

  await docker.getContainer(first.pod.id).kill();
  await docker
    .getContainer(first.pod.id)
    .stop()
    .catch(() => {});
  const restarted = await ensurePod(docker, 'demo', pod('web'), true, signal);
  expect([restarted.outcome, restarted.pod.id, restarted.pod.status.state]).toEqual([
    'changed',
    first.pod.id,
    'running',
  ]);

  const other = await ensurePod(docker, 'demo', pod('web', { labels: { tier: 'other' } }), true, signal);
  expect(other.outcome).toBe('changed');
  expect(other.pod.id).not.toBe(first.pod.id);
  expect((await listPods(docker, 'h1', signal)).map(({ status }) => status.labels)).toEqual([
    { tier: 'other' },
  ]);
});

test('only pods of ours are listed, and of them only the unwanted removed', async () => {
  const docker = dockerOf(connection);
  const foreign = await docker.createContainer({ name: 'foreign', Image: builtInImage });
  await ensurePod(docker, 'demo', pod('extra'), false, signal);
  const names = async () =>
    (await listPods(docker, 'h1', signal)).map(({ status }) => [status.name, status.declared]).sort();
  expect(await names()).toEqual([
    ['extra', false],
    ['web', true],
  ]);
  expect(await removePods(docker, 'h1', ['extra'], signal)).toBe(1);
  expect(await removePods(docker, 'h1', ['extra'], signal)).toBe(0);
  expect(await names()).toEqual([['web', true]]);
  await foreign.remove();
});

test('a pod that cannot start says so in Docker’s own words', async () => {
  const docker = dockerOf(connection);
  const error = await failureOf(
    ensurePod(docker, 'demo', pod('broken', { command: ['/no/such/program'] }), true, signal),
  );
  expect(error.code).toBe('pod-failed');
  expect(error.message).toMatch(/^Pod broken did not start on h1: .*no such file or directory/);
  expect(error.message).not.toContain('HTTP code');
  const [missing] = await Promise.all([
    failureOf(ensurePod(docker, 'demo', pod('none', { image: 'no/such' }), true, signal)),
  ]);
  expect(missing.message).toContain('No such image');
});

test('two pods that want one name at once: one stands at the end', async () => {
  const docker = dockerOf(connection);
  await Promise.allSettled([
    ensurePod(docker, 'demo', pod('twin'), true, signal),
    ensurePod(docker, 'demo', pod('twin'), true, signal),
  ]);
  expect((await listPods(docker, 'h1', signal)).filter(({ status }) => status.name === 'twin')).toHaveLength(
    1,
  );
});

test('Docker’s options are read from what the agent wrote', async () => {
  expect(await readDockerOptions(connection)).toEqual({ bip: null, mtu: null });
  await connection.place([
    {
      path: '/run/flannel/docker.env',
      mode: 0o644,
      content:
        'DOCKER_OPT_BIP="--bip=10.77.5.1/24"\nDOCKER_OPT_IPMASQ="--ip-masq=false"\nDOCKER_OPT_MTU="--mtu=1450"\nDOCKER_OPTS=" --bip=10.77.5.1/24 --ip-masq=false --mtu=1450"\n',
    },
  ]);
  expect(await readDockerOptions(connection)).toEqual({ bip: '10.77.5.1/24', mtu: 1450 });
});

test('no agent is no error, an agent that speaks nonsense is', async () => {
  expect(await readAgentStatus(connection)).toBeNull();
  const program = `require('node:fs').mkdirSync('/run/flatland', { recursive: true });
    require('node:http').createServer((_, answer) => answer.end('{}')).listen('/run/flatland/agent.sock', () => console.log('on'))`;
  const server = await connection.start([process.execPath, '-e', program]);
  await new Promise((resolve) => server.stdout.once('data', resolve));
  server.stderr.resume();
  await expect(readAgentStatus(connection)).rejects.toThrow();
  server.kill();
  await server.exit;
});

test('Docker’s words without the library’s', () => {
  expect(dockerWords({ json: { message: 'No such image' }, message: '(HTTP code 404) no such image' })).toBe(
    'No such image',
  );
  expect(dockerWords(new Error('plain'))).toBe('plain');
  expect(dockerWords('odd')).toBe('odd');
});
