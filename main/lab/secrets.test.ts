import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Lab, labFile } from '../../contract/lab.ts';
import { labOf } from '../../test/support/labs.ts';
import { completeSecrets } from './secrets.ts';
import { secrets } from './state.ts';

const lab = (hosts: string[], members: number, previous: Lab | null = null): Lab =>
  labOf(labFile.parse({ name: 'demo', hosts: hosts.map((name) => ({ name })), etcd: { members } }), previous);

test('every host has a key of its own and a certificate of the lab’s authority', async () => {
  const subject = lab(['h1', 'h2'], 1);
  const made = await completeSecrets(subject, null);
  expect(secrets.parse(JSON.parse(JSON.stringify(made)))).toEqual(made);
  const authority = new X509Certificate(made.authority.certificate);
  const keys = [made.client, ...Object.values(made.hosts).map(({ key }) => key)].map(
    ({ publicKey }) => publicKey,
  );
  expect(new Set(keys).size).toBe(3);
  for (const { certificate } of [{ certificate: made.operator }, ...Object.values(made.hosts)])
    expect(new X509Certificate(certificate.certificate).verify(authority.publicKey)).toBe(true);
  const names = (host: string) =>
    new X509Certificate(made.hosts[host]?.certificate.certificate ?? '').subjectAltName ?? '';
  expect(names('h1')).toContain('IP Address:10.210.0.11');
  expect(names('h2')).toBe('');
});

test('what still fits is kept to the letter', async () => {
  const subject = lab(['h1', 'h2', 'h3'], 3);
  const made = await completeSecrets(subject, null);
  expect(await completeSecrets(subject, made)).toEqual(made);
});

test('a new host gets its own, one that leaves loses its, the others keep theirs', async () => {
  const first = lab(['h1', 'h2'], 1);
  const made = await completeSecrets(first, null);
  const next = await completeSecrets(lab(['h1', 'h3'], 1, first), made);
  expect(Object.keys(next.hosts)).toEqual(['h1', 'h3']);
  expect(next.hosts['h1']).toEqual(made.hosts['h1']);
  expect([next.client, next.authority, next.operator]).toEqual([made.client, made.authority, made.operator]);
});

test('another role or address needs another certificate, but not another key', async () => {
  const first = lab(['h1', 'h2', 'h3'], 1);
  const made = await completeSecrets(first, null);
  const next = await completeSecrets(lab(['h1', 'h2', 'h3'], 3, first), made);
  expect(next.hosts['h1']).toEqual(made.hosts['h1']);
  expect(next.hosts['h2']?.key).toEqual(made.hosts['h2']?.key);
  expect(next.hosts['h2']?.certificate).not.toEqual(made.hosts['h2']?.certificate);
  const moved: Lab = {
    ...first,
    hosts: first.hosts.map((host) => ({ ...host, address: host.address.replace('10.210.0', '10.211.0') })),
  };
  const after = await completeSecrets(moved, made);
  expect(after.hosts['h1']?.key).toEqual(made.hosts['h1']?.key);
  expect(after.hosts['h1']?.certificate).not.toEqual(made.hosts['h1']?.certificate);
});

test('a host may be called what every object has', async () => {
  const first = lab(['h1', 'h2'], 1);
  const made = await completeSecrets(first, null);
  const next = await completeSecrets(lab(['h1', 'constructor'], 1, first), made);
  expect(secrets.parse(next).hosts['constructor']?.key.privateKey).toContain('OPENSSH PRIVATE KEY');
});
