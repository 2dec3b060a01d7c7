import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Host, type Lab, labFile } from '../../contract/lab.ts';
import { labOf } from '../../test/support/labs.ts';
import { agentFiles, agentUnit } from './agent.ts';
import { etcdEndpoints, etcdFiles, etcdPeerUrl, etcdUnit } from './etcd.ts';

const directory = mkdtempSync(join(tmpdir(), 'fl-units-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const lab = (change: Record<string, unknown> = {}): Lab =>
  labOf(
    labFile.parse({ name: 'demo', hosts: ['h1', 'h2', 'h3', 'h4'].map((name) => ({ name })), ...change }),
  );

function host(subject: Lab, name: string): Host {
  const found = subject.hosts.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no host ${name}`);
  return found;
}

/** The values of a key in a unit, in order. */
const values = (unit: string, key: string): string[] =>
  unit.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));

/** What systemd has to say about a unit. */
function complaints(name: string, unit: string): string {
  const path = join(directory, name);
  writeFileSync(path, unit);
  const { stderr, error } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', '--recursive-errors=no', path],
    { encoding: 'utf8' },
  );
  if (error) throw error;
  return stderr
    .split('\n')
    .filter((line) => line.includes(name))
    .join('\n');
}

describe('the unit of an etcd member', () => {
  const subject = lab();
  const unit = etcdUnit(subject, host(subject, 'h2'), { kind: 'new' });
  const [start = ''] = values(unit, 'ExecStart');

  test('is one that systemd understands', () => {
    expect(complaints('flatland-etcd.service', unit)).toBe('');
    expect(
      complaints('flatland-etcd.service', unit.replace('[Service]', '[Service]\nNoSuchKey=1')),
    ).toContain('NoSuchKey');
  });

  test('listens on the underlay only, with mTLS for clients and members', () => {
    expect(start).toContain('--listen-client-urls=https://10.210.0.12:2379 ');
    expect(start).toContain('--listen-peer-urls=https://10.210.0.12:2380 ');
    expect(start).not.toContain('0.0.0.0');
    for (const flag of [
      '--client-cert-auth',
      '--peer-client-cert-auth',
      '--trusted-ca-file=%d/authority',
      '--peer-trusted-ca-file=%d/authority',
    ])
      expect(start.split(' ')).toContain(flag);
    expect(values(unit, 'LoadCredential')).toHaveLength(3);
  });

  test('knows all the members with which it begins, or those that it joins and itself', () => {
    expect(start).toContain(
      '--initial-cluster=h1=https://10.210.0.11:2380,h2=https://10.210.0.12:2380,h3=https://10.210.0.13:2380 ',
    );
    expect(start).toContain('--initial-cluster-state=new ');
    const joined = etcdUnit(subject, host(subject, 'h3'), { kind: 'join', members: ['h1', 'h3'] });
    expect(joined).toContain('--initial-cluster=h1=https://10.210.0.11:2380,h3=https://10.210.0.13:2380 ');
    expect(joined).toContain('--initial-cluster-state=existing ');
  });

  test('without TLS says nothing of certificates', () => {
    const plain = lab({ etcd: { tls: false } });
    const text = etcdUnit(plain, host(plain, 'h1'), { kind: 'new' });
    expect(text).not.toMatch(/https|cert|%d|LoadCredential/);
    expect(etcdPeerUrl(plain, host(plain, 'h1'))).toBe('http://10.210.0.11:2380');
    expect(complaints('flatland-etcd.service', text)).toBe('');
  });

  test('has no flag that this etcd does not know', () => {
    // etcd checks its flags before anything else, and says so for the first one that it does not know.
    const flags = start
      .split(' ')
      .slice(1)
      .map((flag) => flag.replace('%d', directory));
    const { stderr } = spawnSync('/usr/bin/etcd', [...flags, '--version'], {
      encoding: 'utf8',
      timeout: 5000,
    });
    expect(stderr).not.toMatch(/not defined|invalid/);
    expect(
      spawnSync('/usr/bin/etcd', ['--no-such-flag', '--version'], { encoding: 'utf8' }).stderr,
    ).toContain('not defined');
  });
});

describe('the files for etcd', () => {
  const credentials = { certificate: 'certificate', privateKey: 'key' };
  const files = (subject: Lab, name: string) =>
    etcdFiles(subject, host(subject, name), { kind: 'new' }, 'authority', credentials);

  test('give a member its unit, a client only what it needs to call', () => {
    expect(files(lab(), 'h1').map(({ path }) => path)).toEqual([
      '/etc/flatland/etcd/authority.pem',
      '/etc/flatland/etcd/host.pem',
      '/etc/flatland/etcd/host.key',
      '/etc/systemd/system/flatland-etcd.service',
    ]);
    expect(files(lab(), 'h4').map(({ path }) => path)).not.toContain(
      '/etc/systemd/system/flatland-etcd.service',
    );
    expect(files(lab({ etcd: { tls: false } }), 'h4')).toEqual([]);
  });

  test('keep the key to root', () => {
    for (const { path, mode } of files(lab(), 'h1')) expect(mode).toBe(path.endsWith('.key') ? 0o600 : 0o644);
  });
});

test('agents call every member', () => {
  expect(etcdEndpoints(lab())).toEqual([
    'https://10.210.0.11:2379',
    'https://10.210.0.12:2379',
    'https://10.210.0.13:2379',
  ]);
});

describe('the agent’s unit', () => {
  const subject = lab();
  const unit = agentUnit(subject, host(subject, 'h4'), process.execPath);

  test('is one that systemd understands', () => {
    expect(complaints('flatland-agent.service', unit)).toBe('');
  });

  test('starts the agent with flannel’s flags, on this host’s address', () => {
    const [start = ''] = values(unit, 'ExecStart');
    expect(start.split(' ')).toEqual([
      process.execPath,
      '/opt/flatland/agent/agent.cjs',
      '-etcd-endpoints=https://10.210.0.11:2379,https://10.210.0.12:2379,https://10.210.0.13:2379',
      '-etcd-prefix=/coreos.com/network',
      '-etcd-cafile=/etc/flatland/etcd/authority.pem',
      '-etcd-certfile=/etc/flatland/etcd/host.pem',
      '-etcd-keyfile=/etc/flatland/etcd/host.key',
      '-iface=10.210.0.14',
      '-ip-masq',
      '-subnet-file=/run/flannel/subnet.env',
      '-docker-options-file=/run/flannel/docker.env',
      '-status-socket=/run/flatland/agent.sock',
    ]);
    expect(values(unit, 'Type')).toEqual(['notify']);
    expect(values(unit, 'Before')).toEqual(['docker.service']);
  });

  test('lets Docker start after it, with the options that it wrote', () => {
    const files = agentFiles(
      subject,
      host(subject, 'h4'),
      { script: Buffer.from('s'), nativeModule: Buffer.from('n') },
      '/node',
    );
    expect(files.map(({ path }) => path)).toEqual([
      '/opt/flatland/agent/agent.cjs',
      '/opt/flatland/agent/koffi.node',
      '/etc/systemd/system/flatland-agent.service',
      '/etc/systemd/system/docker.service.d/flatland.conf',
    ]);
    const dropIn = String(files.at(-1)?.content);
    expect(values(dropIn, 'After')).toEqual(['flatland-agent.service']);
    expect(values(dropIn, 'EnvironmentFile')).toEqual(['/run/flannel/docker.env']);
  });
});
