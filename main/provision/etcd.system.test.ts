import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, type Lab, labFile } from '../../contract/lab.ts';
import { failureOf } from '../../test/support/failure.ts';
import { labOf } from '../../test/support/labs.ts';
import { prepareSshd, type TestSshd } from '../../test/support/sshd.ts';
import { connect } from '../host/connect.ts';
import type { Connection } from '../host/connection.ts';
import { type Credentials, createAuthority, issueCertificate } from './certificates.ts';
import { type EtcdStart, etcdPeerUrl, etcdUnit } from './etcd.ts';
import { type EtcdClient, openEtcd } from './etcd-client.ts';

/*
 * A real cluster with the flags of our own units, each member on a loopback address of its own, spoken to through a real
 * SSH tunnel as on a host.
 */
const directory = mkdtempSync(join(tmpdir(), 'fl-etcd-'));
const members = new Map<string, ChildProcess>();
const base = `127.${100 + (process.pid % 100)}.${process.pid % 250}`;
let lab: Lab;
let authority: Credentials;
let operator: Credentials;
let sshd: TestSshd;
let connection: Connection;
let etcd: EtcdClient;

const hostOf = (name: string): Host => {
  const found = lab.hosts.find((host) => host.name === name);
  if (found === undefined) throw new Error(`no host ${name}`);
  return found;
};

/** Starts a member as systemd would: its unit's command line, with the folders that the unit gets from systemd. */
async function startMember(name: string, start: EtcdStart): Promise<void> {
  const host = hostOf(name);
  const own = join(directory, name);
  mkdirSync(own, { recursive: true });
  const { certificate, privateKey } = await issueCertificate(authority, name, [host.address, '127.0.0.1']);
  writeFileSync(join(own, 'authority'), authority.certificate);
  writeFileSync(join(own, 'certificate'), certificate);
  writeFileSync(join(own, 'key'), privateKey, { mode: 0o600 });
  const command = /^ExecStart=(.*)$/m.exec(etcdUnit(lab, host, start))?.[1] ?? '';
  const [program = '', ...flags] = command
    .replaceAll('%d/', `${own}/`)
    .replace('--data-dir=/var/lib/flatland/etcd', `--data-dir=${join(own, 'data')}`)
    .split(' ');
  const child = spawn(program, flags, { stdio: 'ignore' });
  members.set(name, child);
}

async function stopMember(name: string): Promise<void> {
  const child = members.get(name);
  members.delete(name);
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Repeats until it works, as long as a cluster needs to find a leader. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}

beforeAll(async () => {
  const file = labFile.parse({
    name: 'demo',
    hosts: ['h1', 'h2', 'h3', 'h4'].map((name) => ({ name })),
    underlay: { cidr: `${base}.0/24` },
  });
  lab = labOf(file);
  authority = await createAuthority('flatland demo');
  operator = await issueCertificate(authority, 'flatland-operator', []);
  await Promise.all(lab.etcd.members.map((name) => startMember(name, { kind: 'new' })));
  sshd = await prepareSshd('h1');
  await sshd.start();
  connection = await connect(sshd.target, { deadlineSeconds: 5 });
  etcd = await openEtcd(connection, lab, hostOf('h1').address, authority.certificate, operator);
  await eventually(() => etcd.put('/ready', 'yes'));
});

afterAll(async () => {
  await etcd?.close();
  await connection?.close();
  await sshd?.remove();
  await Promise.all([...members.keys()].map(stopMember));
  rmSync(directory, { recursive: true, force: true });
});

test('values are stored, read and removed by prefix', async () => {
  expect(await etcd.get('/a/none')).toBeNull();
  await etcd.put('/a/1', 'one');
  await etcd.put('/a/2', 'zwei € 🙂');
  await etcd.put('/b', 'other');
  expect(await etcd.get('/a/2')).toBe('zwei € 🙂');
  await etcd.remove('/a/');
  expect([await etcd.get('/a/1'), await etcd.get('/a/2'), await etcd.get('/b')]).toEqual([
    null,
    null,
    'other',
  ]);
});

test('the members are the founders', async () => {
  const found = await etcd.members();
  expect(found.map(({ name }) => name).sort()).toEqual(['h1', 'h2', 'h3']);
  expect(found.find(({ name }) => name === 'h2')?.peerUrls).toEqual([etcdPeerUrl(lab, hostOf('h2'))]);
});

/** What a member answers to HTTPS with these credentials: a status, or why there is none. */
const ask = (options: { cert?: string; key?: string; ca?: string }): Promise<number | string> =>
  new Promise((resolve) => {
    const call = request(
      { host: hostOf('h1').address, port: 2379, path: '/health', agent: false, servername: '', ...options },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    call.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    call.end();
  });

test('nobody gets in without a certificate of this lab, and nobody else is taken for a member', async () => {
  const ca = authority.certificate;
  expect(await ask({ ca, cert: operator.certificate, key: operator.privateKey })).toBe(200);
  expect(await ask({ ca })).not.toBe(200);
  const stranger = await createAuthority('flatland demo');
  const forged = await issueCertificate(stranger, 'flatland-operator', []);
  expect(await ask({ ca, cert: forged.certificate, key: forged.privateKey })).not.toBe(200);
  expect(
    await ask({ ca: stranger.certificate, cert: operator.certificate, key: operator.privateKey }),
  ).not.toBe(200);
  const client = await openEtcd(connection, lab, hostOf('h1').address, authority.certificate, forged);
  expect((await failureOf(client.get('/b'))).code).toBe('etcd-failed');
  await client.close();
});

test('a member that is asked by another name is not believed', async () => {
  const client = await openEtcd(connection, lab, hostOf('h2').address, authority.certificate, operator);
  expect((await failureOf(client.get('/b'))).code).toBe('etcd-failed');
  await client.close();
});

test('a member joins, and leaves', async () => {
  const url = etcdPeerUrl(lab, hostOf('h4'));
  await etcd.addMember(url, new AbortController().signal);
  expect((await etcd.members()).find(({ peerUrls }) => peerUrls.includes(url))?.name).toBe('');
  lab = { ...lab, etcd: { ...lab.etcd, members: ['h1', 'h2', 'h3', 'h4'] } };
  await startMember('h4', { kind: 'join', members: ['h1', 'h2', 'h3', 'h4'] });
  await eventually(async () => {
    expect((await etcd.members()).map(({ name }) => name).sort()).toEqual(['h1', 'h2', 'h3', 'h4']);
  });
  const id = (await etcd.members()).find(({ name }) => name === 'h4')?.id ?? '';
  await etcd.removeMember(id);
  await stopMember('h4');
  expect((await etcd.members()).map(({ name }) => name).sort()).toEqual(['h1', 'h2', 'h3']);
});

test('one lost member is borne, two are not, and that is said within seconds', async () => {
  await stopMember('h3');
  await eventually(() => etcd.put('/c', '2 of 3'));
  expect(await etcd.get('/c')).toBe('2 of 3');
  await stopMember('h2');
  await sleep(1500);
  const began = performance.now();
  const failed = await failureOf(etcd.put('/c', '1 of 3'));
  expect(failed.code).toBe('etcd-failed');
  expect(failed.message).toMatch(/^etcd on h1 did not store \/c: ./);
  expect(performance.now() - began).toBeLessThan(7000);
  await startMember('h2', { kind: 'new' });
  await eventually(() => etcd.put('/c', 'again'));
  expect(await etcd.get('/c')).toBe('again');
});
