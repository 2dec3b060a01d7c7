import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Credentials, createAuthority, issueCertificate } from './certificates.ts';

/* Everything is judged by OpenSSL, not by the library that made it. */
const directory = mkdtempSync(join(tmpdir(), 'fl-certificates-'));
const file = (name: string) => join(directory, name);

const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
const verifies = (...args: string[]) =>
  spawnSync('openssl', ['verify', '-x509_strict', ...args]).status === 0;
const text = (name: string) => openssl('x509', '-in', file(name), '-noout', '-text');

function save(name: string, { certificate, privateKey }: Credentials): void {
  writeFileSync(file(`${name}.pem`), certificate);
  writeFileSync(file(`${name}.key`), privateKey);
}

beforeAll(async () => {
  const authority = await createAuthority('flatland demo');
  save('authority', authority);
  save('stranger', await createAuthority('flatland demo'));
  save('member', await issueCertificate(authority, 'h1', ['10.210.0.11', '127.0.0.1']));
  save('client', await issueCertificate(authority, 'h2', []));
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const by = (authority: string) => ['-CAfile', file(`${authority}.pem`)];

test('a member may serve and call, a client may only call', () => {
  expect(verifies(...by('authority'), '-purpose', 'sslserver', file('member.pem'))).toBe(true);
  expect(verifies(...by('authority'), '-purpose', 'sslclient', file('member.pem'))).toBe(true);
  expect(verifies(...by('authority'), '-purpose', 'sslclient', file('client.pem'))).toBe(true);
  expect(verifies(...by('authority'), '-purpose', 'sslserver', file('client.pem'))).toBe(false);
});

test('a member is known by its name and its addresses, and by no other', () => {
  const member = [...by('authority'), file('member.pem')];
  for (const address of ['10.210.0.11', '127.0.0.1'])
    expect(verifies('-verify_ip', address, ...member)).toBe(true);
  expect(verifies('-verify_ip', '10.210.0.12', ...member)).toBe(false);
  expect(verifies('-verify_hostname', 'h1', ...member)).toBe(true);
  expect(verifies('-verify_hostname', 'h2', ...member)).toBe(false);
  expect(text('client.pem')).not.toContain('Subject Alternative Name');
});

test('another authority of the same name counts for nothing', () => {
  expect(verifies(...by('stranger'), file('member.pem'))).toBe(false);
  expect(verifies(...by('stranger'), file('client.pem'))).toBe(false);
});

test('only the authority may sign, and what it signed may sign nothing more', () => {
  expect(text('authority.pem')).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  expect(text('authority.pem')).toMatch(/Key Usage: critical\s+Certificate Sign, CRL Sign/);
  for (const name of ['member.pem', 'client.pem']) {
    expect(text(name)).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text(name)).toMatch(/Key Usage: critical\s+Digital Signature\n/);
  }
});

test('a clock that is months off does no harm', () => {
  const day = 86_400;
  const now = Math.floor(Date.now() / 1000);
  for (const at of [now - 300 * day, now + 3000 * day])
    expect(verifies('-attime', String(at), ...by('authority'), file('member.pem'))).toBe(true);
  expect(verifies('-attime', String(now + 5000 * day), ...by('authority'), file('member.pem'))).toBe(false);
});

test('each key fits its certificate and is a P-256 key', () => {
  for (const name of ['authority', 'member', 'client']) {
    const ofKey = openssl('pkey', '-in', file(`${name}.key`), '-pubout');
    expect(openssl('x509', '-in', file(`${name}.pem`), '-noout', '-pubkey')).toBe(ofKey);
    expect(text(`${name}.pem`)).toContain('NIST CURVE: P-256');
  }
});

test('serial numbers are positive, of at most 20 bytes, and never the same', async () => {
  const authority = await createAuthority('x');
  const serials = new Set<string>();
  for (let index = 0; index < 12; index += 1) {
    save('serial', await issueCertificate(authority, 'x', []));
    const serial = openssl('x509', '-in', file('serial.pem'), '-noout', '-serial')
      .trim()
      .replace('serial=', '');
    expect(serial).toMatch(/^[0-9A-F]{2,40}$/);
    serials.add(serial);
  }
  expect(serials.size).toBe(12);
});
