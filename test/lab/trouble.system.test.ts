import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../contract/error.ts';
import { labStatus } from '../../contract/status.ts';
import { eventsOf, type Finished, ownState, run, start } from '../support/flatland.ts';
import { firstProcessOf } from '../support/hosts.ts';
import { changesSince, takeSnapshot } from '../support/snapshot.ts';

const state = ownState();
const clean = takeSnapshot(state.directory);
afterAll(state.remove);

const changes = () => changesSince(clean, state.directory);

/** The error that a command ended with, as `--json` prints it. */
function errorOf(finished: Finished) {
  const event = eventsOf(finished).findLast(({ type }) => type === 'finished');
  if (event?.type === 'finished' && event.error !== null) return event.error;
  const line = finished.stdout.split('\n').find((text) => text.includes('"code"'));
  return line === undefined ? null : (JSON.parse(line).error ?? JSON.parse(line));
}

function labFile(name: string, lines: readonly string[]): string {
  const path = join(state.directory, `${name}.yaml`);
  writeFileSync(path, [`name: ${name}`, ...lines, ''].join('\n'));
  return path;
}

describe('what is refused before anything starts', () => {
  afterEach(() => {
    execFileSync('rm', [
      '-f',
      ...readdirSync(state.directory)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => join(state.directory, name)),
    ]);
    expect(changes()).toEqual([]);
  });

  const hosts = 'hosts: [{ name: h1 }]';
  const cases: readonly (readonly [what: string, lines: readonly string[], says: RegExp])[] = [
    ['a mistyped key', ['hsots: [{ name: h1 }]'], /yaml:2:1.*hosts/s],
    ['an unknown backend', ['network: { backend: vxlna }', hosts], /vxlan/],
    ['a duplicate host', ['hosts: [{ name: h1 }, { name: h1 }]'], /h1/],
    ['a host name that is no DNS label', ['hosts: [{ name: H_1 }]'], /DNS label/],
    [
      'overlapping ranges',
      ['network: { cidr: 10.90.0.0/16 }', 'underlay: { cidr: 10.90.1.0/24 }', hosts],
      /overlaps/,
    ],
    [
      'a range too small for the hosts',
      [
        'network: { cidr: 10.90.0.0/24, subnetLength: 26 }',
        'hosts: [{ name: h1 }, { name: h2 }, { name: h3 }, { name: h4 }]',
      ],
      /room for 3 of the 4 hosts/,
    ],
    [
      "a subnetLength outside flannel's rules",
      ['network: { cidr: 10.90.0.0/16, subnetLength: 17 }', hosts],
      /from 18 to 30/,
    ],
  ];

  it.each(cases)('%s', async (_, lines, says) => {
    const finished = await run(state.directory, ['up', labFile('refused', lines), '--json']);
    expect(finished.code).toBe(2);
    expect(finished.stdout).toMatch(says);
    expect(errorOf(finished)).toMatchObject({
      code: 'lab-file-invalid',
      hint: errorCatalogue['lab-file-invalid'].hint,
    });
  });

  it('a range that this machine uses: the owner is named and a free range proposed', async () => {
    const route = execFileSync('ip', ['-json', 'route'], { encoding: 'utf8' });
    const used = JSON.parse(route).find(({ dst }: { dst: string }) => dst.includes('/'));
    expect(used, 'this machine has a route to test with').toBeDefined();
    const path = labFile('clash', [`underlay: { cidr: ${used.dst} }`, hosts]);
    const finished = await run(state.directory, ['up', path, '--json']);
    expect(finished.code).toBe(4);
    expect(errorOf(finished)).toMatchObject({ code: 'range-clash' });
    expect(errorOf(finished).message).toContain(used.dev);
    expect(errorOf(finished).message).toMatch(/\d+\.\d+\.\d+\.\d+\/\d+.*free|free.*\d+\.\d+\.\d+\.\d+\/\d+/);
  });

  it('no disk space', async () => {
    const machine = 'mount -t tmpfs -o size=32m tmpfs /var/lib';
    const finished = await run(state.directory, ['up', '--json'], { machine });
    expect(finished.code).toBe(3);
    expect(errorOf(finished)).toMatchObject({ code: 'disk-full' });
  });

  it('a package that is missing, with no network to install it', async () => {
    const machine = `mount --bind /dev/null /usr/bin/etcd
mount -t tmpfs tmpfs /var/lib/apt/lists; mount -t tmpfs tmpfs /etc/apt`;
    const finished = await run(state.directory, ['up', '--json'], { machine });
    expect(finished.code).toBe(3);
    expect(finished.stdout + finished.stderr).toContain('etcd-server');
  });

  it('no root and no sudo', async () => {
    const own = join(state.directory, 'nobody');
    execFileSync('install', ['-d', '-o', '65534', '-g', '65534', own]);
    execFileSync('chmod', ['711', state.directory]);
    const machine = '[ ! -e /usr/bin/sudo ] || mount --bind /dev/null /usr/bin/sudo';
    const finished = await run(own, ['up', '--json'], { user: 65534, machine });
    execFileSync('rm', ['-rf', own]);
    expect(finished.code, finished.stderr).toBe(3);
    expect(errorOf(finished)).toMatchObject({ code: 'root-needed' });
    expect(errorOf(finished).message).toContain('has no sudo');
  });
});

describe('what goes wrong on the way', () => {
  afterEach(async () => {
    await run(state.directory, ['down', '--all', '--json']);
    execFileSync('rm', ['-f', join(state.directory, 'silent.yaml')]);
    expect(changes()).toEqual([]);
  });

  it('Docker that fails to start: its own last words are shown, and nothing is left', async () => {
    const fake = join(state.directory, 'dockerd');
    writeFileSync(fake, '#!/bin/sh\necho "the graph driver is on strike" >&2\nexit 1\n', { mode: 0o755 });
    const finished = await run(state.directory, ['up', '--hosts', '1', '--json'], {
      machine: `mount --bind ${fake} /usr/sbin/dockerd`,
    });
    execFileSync('rm', [fake]);
    expect(finished.code).toBe(1);
    expect(errorOf(finished)).toMatchObject({ code: 'docker-failed' });
    const logs = eventsOf(finished).flatMap((event) => (event.type === 'step-log' ? [event.line] : []));
    expect(logs.join('\n')).toContain('the graph driver is on strike');
    expect(changes()).toEqual([]);
  });

  it('a host that ends while it boots', async () => {
    const fake = join(state.directory, 'sshd');
    writeFileSync(fake, '#!/bin/sh\nexec systemctl exit 3\n', { mode: 0o755 });
    const finished = await run(state.directory, ['up', '--hosts', '1', '--json'], {
      machine: `mount --bind ${fake} /usr/sbin/sshd`,
    });
    execFileSync('rm', [fake]);
    expect(finished.code).toBe(1);
    expect(errorOf(finished)).toMatchObject({ code: 'host-start-failed' });
    expect(changes()).toEqual([]);
  });

  it('up twice at once: the second is told who is at work', async () => {
    const first = start(state.directory, ['up', '--hosts', '1', '--json']);
    await first.when((event) => event.type === 'step-started');
    const second = await run(state.directory, ['up', '--hosts', '1', '--json']);
    expect(second.code).toBe(4);
    expect(errorOf(second)).toMatchObject({ code: 'lab-busy' });
    expect(errorOf(second).message).toMatch(/up, process \d+/);
    expect((await first.finished).code).toBe(0);
  });

  it('two labs live beside each other, and one goes without the other', async () => {
    const [one, two] = await Promise.all(
      ['one', 'two'].map((name) => run(state.directory, ['up', '--hosts', '2', '--name', name, '--json'])),
    );
    expect(one?.code, one?.stdout.slice(-1500)).toBe(0);
    expect(two?.code, two?.stdout.slice(-1500)).toBe(0);
    const many = await run(state.directory, ['probe', '--json']);
    expect(many.code).toBe(2);
    expect(errorOf(many)).toMatchObject({ code: 'lab-unknown' });
    expect((await run(state.directory, ['down', 'one', '--json'])).code).toBe(0);
    expect((await run(state.directory, ['probe', 'two', '--json'])).code).toBe(0);
  });

  it('etcd that loses a member during up', async () => {
    const running = start(state.directory, ['up', '--hosts', '3', '--json']);
    await running.when((event) => event.type === 'step-done' && event.step === 'network');
    await run(state.directory, [
      'exec',
      'h1',
      '--',
      'systemctl',
      'kill',
      '--signal=KILL',
      'flatland-etcd.service',
    ]);
    const finished = await running.finished;
    expect(finished.code, finished.stdout.slice(-1500)).toBe(0);
  });

  it('a lost host is shown as lost, its cells are red, and up brings it back', async () => {
    expect((await run(state.directory, ['up', '--hosts', '3', '--json'])).code).toBe(0);
    const before = await status();
    expect(before.hosts.map(({ reach }) => reach)).toEqual(['connected', 'connected', 'connected']);
    process.kill(firstProcessOf(before.lab.id, 'h3'), 'SIGKILL');
    const during = await status();
    expect(during.hosts.map(({ reach }) => reach)).toEqual(['connected', 'connected', 'lost']);
    const probe = await run(state.directory, ['probe', '--json']);
    expect(probe.code).toBe(5);
    const red = eventsOf(probe).flatMap((event) =>
      event.type === 'probed' && !event.result.ok ? [event.result] : [],
    );
    expect(red.every(({ from, to }) => from.host === 'h3' || to.host === 'h3')).toBe(true);
    expect(red[0]?.seen).toContain('h3');
    const again = await run(state.directory, ['up', '--hosts', '3', '--json']);
    expect(again.code, again.stdout.slice(-1500)).toBe(0);
  });

  async function status() {
    return labStatus.parse(JSON.parse((await run(state.directory, ['status', '--json'])).stdout));
  }
});

describe('at work in a lab', () => {
  it('runs, finds, speaks to and reads the logs of hosts and pods', async () => {
    try {
      expect((await run(state.directory, ['up', '--hosts', '2', '--json'])).code).toBe(0);
      const ran = await run(state.directory, ['run', 'h2', '--name', 'extra', '--json']);
      expect(ran.code, ran.stderr).toBe(0);
      const address = JSON.parse(ran.stdout).address;
      expect(address).toMatch(/^10\./);
      const fetched = await run(state.directory, [
        'exec',
        'h1-a',
        '--',
        'wget',
        '-qO-',
        `http://${address}/cgi-bin/whoami`,
      ]);
      expect(JSON.parse(fetched.stdout).pod).toBe('extra');
      const code = await run(state.directory, [
        'exec',
        'h1',
        '--',
        'sh',
        '-c',
        'echo out; echo err >&2; exit 7',
      ]);
      expect(code).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
      for (const service of ['etcd', 'agent', 'docker', 'console']) {
        const logs = await run(state.directory, ['logs', 'h1', service]);
        expect(logs.code, service).toBe(0);
        expect(logs.stdout.length, service).toBeGreaterThan(20);
      }
      const unknown = await run(state.directory, ['exec', 'h9', '--', 'true']);
      expect(unknown.code).toBe(2);
      expect(unknown.stderr).toContain('h9');
    } finally {
      await run(state.directory, ['down', '--all', '--json']);
    }
    expect(changes()).toEqual([]);
  });
});
