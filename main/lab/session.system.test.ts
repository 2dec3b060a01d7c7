import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Host, labFile } from '../../contract/lab.ts';
import { labOf } from '../../test/support/labs.ts';
import { prepareSshd, type TestSshd } from '../../test/support/sshd.ts';
import { connect } from '../host/connect.ts';
import { completeSecrets } from './secrets.ts';
import { type Connections, openConnections } from './session.ts';

/* The connections of a lab to a real sshd. */
const lab = labOf(labFile.parse({ name: 'demo', hosts: [{ name: 'h1' }] }));
const [host] = lab.hosts as [Host];
const never = new AbortController().signal;
let sshd: TestSshd;
let connections: Connections;

beforeEach(async () => {
  sshd = await prepareSshd('h1');
  const secrets = await completeSecrets(lab, null);
  connections = openConnections(
    () => secrets,
    (_host, _keys, signal, deadlineSeconds) => connect(sshd.target, { signal, deadlineSeconds }),
  );
});

afterEach(async () => {
  await connections.close();
  await sshd.remove();
});

test('many that ask share one connection', async () => {
  await sshd.start();
  const all = await Promise.all(Array.from({ length: 10 }, () => connections.get(host, never, 5)));
  expect(new Set(all).size).toBe(1);
  expect(await connections.get(host, never, 5)).toBe(all[0]);
  expect(sshd.connections()).toHaveLength(1);
});

test('an attempt that failed is not remembered', async () => {
  await expect(connections.get(host, never, 0.2)).rejects.toThrow('did not answer');
  await sshd.start();
  expect((await (await connections.get(host, never, 5)).exec(['echo', 'on'])).stdout).toBe('on\n');
});

test('a connection that is dropped is closed, and the next one is another', async () => {
  await sshd.start();
  const first = await connections.get(host, never, 5);
  await connections.drop('h1');
  expect(first.state().kind).toBe('closed');
  expect(await connections.get(host, never, 5)).not.toBe(first);
});

test('what is being opened while all is closed does not stay open', async () => {
  await sshd.start();
  const late = connections.get(host, never, 5).then(
    (connection) => connection.state().kind,
    () => 'rejected',
  );
  await connections.close();
  expect(await late).toMatch(/closed|rejected/);
  await sleep(300);
  expect(sshd.connections()).toEqual([]);
});

test('closing does not wait for a host that does not answer', async () => {
  const late = connections.get(host, never, 30).catch(() => 'rejected');
  await sleep(100);
  const began = performance.now();
  await connections.close();
  expect(await late).toBe('rejected');
  expect(performance.now() - began).toBeLessThan(2000);
});
