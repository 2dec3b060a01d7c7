import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BasicConstraintsExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EtcdTarget, openEtcd } from './etcd.ts';
import type { EntryChange, LeaseStore } from './store.ts';
import { startTestEtcd, type TestCertificates, type TestEtcd } from './test-etcd.ts';

let directory: string;
let etcd: TestEtcd | null = null;
const stores: LeaseStore[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flt-tls-'));
});
afterEach(async () => {
  for (const store of stores.splice(0)) store.close();
  await etcd?.remove();
  etcd = null;
  rmSync(directory, { recursive: true, force: true });
});

const subnet = { base: 0x0a4d0100, length: 24 };

function open(endpoint: string, change: Partial<EtcdTarget>): LeaseStore {
  const target = { endpoints: [endpoint], prefix: '/net/', tls: null, username: '', password: '', ...change };
  const store = openEtcd(target, () => {});
  stores.push(store);
  return store;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** An authority of its own and a certificate for 127.0.0.1 that serves both ends. */
async function makeCertificates(name: string): Promise<TestCertificates> {
  const authorityKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    signingAlgorithm: algorithm,
    keys: authorityKeys,
    extensions: [new BasicConstraintsExtension(true, 0, true)],
  });
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: '02',
    subject: 'CN=host',
    issuer: authority.subject,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  });
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  const write = (end: string, text: string) => {
    const path = join(directory, `${name}.${end}`);
    writeFileSync(path, text);
    return path;
  };
  return {
    authority: write('ca.pem', authority.toString('pem')),
    certificate: write('pem', certificate.toString('pem')),
    key: write('key', key),
  };
}

/** A lease through all calls that an agent makes, the watch included. */
async function useAll(store: LeaseStore): Promise<void> {
  const { revision } = await store.list();
  const seen: EntryChange[] = [];
  const watch = await store.watch(
    revision,
    (changes) => seen.push(...changes),
    () => {},
  );
  const { leaseId } = await store.grant(100);
  expect(await store.create(subnet, 'a', leaseId)).toMatchObject({ kind: 'written' });
  expect(await store.create(subnet, 'b', leaseId)).toEqual({ kind: 'conflict' });
  const [entry] = (await store.list()).entries;
  expect(entry).toMatchObject({ name: '10.77.1.0-24', value: 'a', leaseId });
  expect(await store.replace(subnet, 'c', null, 1)).toEqual({ kind: 'conflict' });
  expect(await store.replace(subnet, 'c', null, entry?.modRevision ?? 0)).toMatchObject({ kind: 'written' });
  expect(await store.secondsLeft(leaseId)).toBeGreaterThan(90);
  await store.dropLease(leaseId);
  expect(await store.secondsLeft(leaseId)).toBeNull();
  expect(await store.remove(subnet, 1)).toEqual({ kind: 'conflict' });
  const [last] = (await store.list()).entries;
  expect(last).toMatchObject({ value: 'c', leaseId: null });
  expect(await store.remove(subnet, last?.modRevision ?? 0)).toMatchObject({ kind: 'written' });
  for (let tries = 0; seen.length < 3 && tries < 100; tries += 1) await sleep(20);
  expect(seen.map(({ kind }) => kind)).toEqual(['put', 'put', 'delete']);
  watch.close();
}

test('with mTLS all works; without a certificate, or with a foreign authority, nothing does', async () => {
  const own = await makeCertificates('own');
  const foreign = await makeCertificates('foreign');
  const tls = ({ authority, certificate, key }: TestCertificates) => ({
    authority: readFileSync(authority),
    certificate: readFileSync(certificate),
    key: readFileSync(key),
  });
  etcd = await startTestEtcd({ certificates: own });
  await useAll(open(etcd.endpoint, { tls: tls(own) }));
  await expect(open(etcd.endpoint, {}).list()).rejects.toThrow(/UNAVAILABLE/);
  await expect(open(etcd.endpoint, { tls: tls(foreign) }).list()).rejects.toThrow(/UNAVAILABLE/);
});

test('with a user name and a password all works; with another password nothing does', async () => {
  etcd = await startTestEtcd();
  const { client } = etcd;
  await client.role('root').create();
  const root = await client.user('root').create('secret');
  await root.addRole('root');
  await client.auth.authEnable();
  await useAll(open(etcd.endpoint, { username: 'root', password: 'secret' }));
  await expect(open(etcd.endpoint, { username: 'root', password: 'other' }).list()).rejects.toThrow(
    /authentication failed/,
  );
  await expect(open(etcd.endpoint, {}).list()).rejects.toThrow(/user name is empty/);
});

test('the configuration is read below the prefix, however that is written', async () => {
  etcd = await startTestEtcd();
  await etcd.client.put('/net/config').value('text');
  expect(await open(etcd.endpoint, { prefix: '/net/' }).readConfig()).toBe('text');
  expect(await open(etcd.endpoint, { prefix: '//net' }).readConfig()).toBe('text');
  expect(await open(etcd.endpoint, { prefix: 'net' }).readConfig()).toBeNull();
});

test('a lease that a key hangs on is not dropped', async () => {
  etcd = await startTestEtcd();
  const store = open(etcd.endpoint, {});
  const { leaseId } = await store.grant(100);
  await store.create(subnet, 'a', leaseId);
  await store.dropLease(leaseId);
  expect((await store.list()).entries).toHaveLength(1);
});
