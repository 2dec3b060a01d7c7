import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, type Lab, makeLab } from '../../agent/backend/test-lab/lab.ts';
import { startTestEtcd, type TestEtcd } from '../../agent/lease/test-etcd.ts';
import { root } from '../support/flatland.ts';

/*
 * The archive of `npm run package:agent`, unpacked in a root of its own that has the system's programs and nothing of this
 * project's: with a Node in its own folder, and none on its path.
 */

const folder = '/opt/flatland-agent';
let directory: string;
let lab: Lab;
let etcd: TestEtcd;
const agents: { child: ChildProcess; exit: Promise<unknown> }[] = [];
let output = '';

/** Makes an empty root with the archive's folder; the rest of it is mounted by `within`. */
function unpack(name: string): string {
  const base = join(directory, name);
  for (const each of ['usr', 'etc/alternatives', 'proc', 'dev', 'run', 'tmp', 'opt'])
    mkdirSync(join(base, each), { recursive: true });
  for (const each of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${each}`, join(base, each));
  const archive = join(root, 'out', 'package', `flatland-agent-linux-${process.arch}.tar.gz`);
  execFileSync('tar', ['-xzf', archive, '-C', join(base, 'opt')]);
  cpSync(process.execPath, join(base, folder, 'node'));
  return base;
}

/** The command that runs another in such a root, in a mount namespace of its own. */
const within = (base: string, argv: readonly string[]): string[] => [
  'unshare',
  '--mount',
  'sh',
  '-euc',
  [
    // Debian's iptables is a link into /etc/alternatives.
    'for each in usr etc/alternatives proc dev; do mount --rbind "/$each" "$0/$each"; done',
    'exec chroot "$0" /usr/bin/env -i PATH=/usr/sbin:/usr/bin "$@"',
  ].join('; '),
  base,
  ...argv,
];
const run = (base: string, argv: readonly string[]): string => {
  const [command = '', ...args] = within(base, argv);
  return execFileSync(command, args, { encoding: 'utf8' });
};

function start(host: Host, base: string): void {
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${host.name}`,
      ...within(base, [
        `${folder}/flatland-agent`,
        '-etcd-endpoints=http://192.168.50.11:2379',
        '-iface=eth0',
      ]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  agents.push({ child, exit: new Promise((resolve) => child.once('exit', resolve)) });
}

async function until(what: string, look: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !look(); await sleep(50))
    if (Date.now() > deadline) throw new Error(`no ${what} within 20 s:\n${output}`);
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'flp-'));
  execFileSync(process.execPath, ['resources/package/agent.mjs'], { cwd: root, stdio: 'ignore' });
  lab = makeLab(2, '');
  const [one] = lab.hosts;
  etcd = await startTestEtcd({ address: '192.168.50.11', port: 2379, namespace: one?.name ?? '' });
});
afterAll(async () => {
  for (const { child, exit } of agents) {
    child.kill('SIGKILL');
    await exit;
  }
  await etcd?.remove();
  await lab?.remove();
  rmSync(directory, { recursive: true, force: true });
});

test('the archive alone is a working agent: version, overlay in userspace, files, Docker options and cleanup', async () => {
  const [one, two] = lab.hosts;
  if (one === undefined || two === undefined) throw new Error('a lab of two has two hosts');
  const bases = ['one', 'two'].map(unpack);
  const [first = '', second = ''] = bases;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(run(first, [`${folder}/flatland-agent`, '-version'])).toBe(`${version}\n`);

  one.sh(
    `ETCDCTL_API=3 etcdctl --endpoints=http://192.168.50.11:2379 put /coreos.com/network/config '{"Network":"10.5.0.0/16"}'`,
  );
  for (const [index, host] of [one, two].entries()) {
    const base = bases[index] ?? '';
    mkdirSync(join(base, 'run/flannel'));
    writeFileSync(join(base, 'run/flannel/subnet.env'), `FLANNEL_SUBNET=10.5.${index + 1}.1/24\n`);
    start(host, base);
  }
  await until('ping', () => one.pod.ok(`ping -c 1 -W 1 -M do -s 1444 ${two.podAddress}`));
  await until('subnet.env', () =>
    readFileSync(join(first, 'run/flannel/subnet.env'), 'utf8').includes('FLANNEL_MTU=1472'),
  );

  run(first, [`${folder}/mk-docker-opts.sh`, '-c', '-d', '/run/docker.env']);
  expect(readFileSync(join(first, 'run/docker.env'), 'utf8')).toBe(
    'DOCKER_OPTS=" --bip=10.5.1.1/24 --ip-masq=true --mtu=1472"\n',
  );

  for (const { child, exit } of agents.splice(0)) {
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  }
  const [command = '', ...args] = within(second, [`${folder}/flatland-agent`, 'cleanup']);
  expect(two.sh('iptables-save')).toContain('FLANNEL');
  execFileSync('nsenter', [`--net=/run/netns/${two.name}`, command, ...args], { stdio: 'ignore' });
  expect(two.sh('iptables-save')).not.toContain('FLANNEL');
});
