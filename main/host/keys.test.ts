import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, expect, test } from 'vitest';
import { fingerprint, generateKeyPair, keyBlob } from './keys.ts';

const directory = mkdtempSync(join(tmpdir(), 'fl-keys-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const keygen = (...args: string[]) => execFileSync('ssh-keygen', args, { encoding: 'utf8' }).trim();

test('OpenSSH and ssh2 read every key, whatever the length of its comment', () => {
  for (let length = 0; length < 24; length += 1) {
    const comment = 'c'.repeat(length);
    const pair = generateKeyPair(comment);
    const file = join(directory, `key-${length}`);
    writeFileSync(file, pair.privateKey, { mode: 0o600 });
    expect(keygen('-y', '-P', '', '-f', file)).toBe(pair.publicKey.trim());
    const parsed = ssh2.utils.parseKey(pair.privateKey);
    if (parsed instanceof Error) throw parsed;
    expect(parsed.type).toBe('ssh-ed25519');
    expect(parsed.getPublicSSH()).toEqual(keyBlob(pair.publicKey));
  }
});

test('what the private key signs the public key knows', () => {
  const pair = generateKeyPair('x');
  const [key, known] = [ssh2.utils.parseKey(pair.privateKey), ssh2.utils.parseKey(pair.publicKey)];
  if (key instanceof Error || known instanceof Error) throw new Error('the pair cannot be read');
  const signature = key.sign('data');
  if (signature instanceof Error) throw signature;
  expect(known.verify('data', signature)).toBe(true);
  expect(known.verify('other', signature)).toBe(false);
});

test('no two keys are the same', () => {
  const keys = Array.from({ length: 50 }, () => generateKeyPair('x').privateKey);
  expect(new Set(keys).size).toBe(50);
});

test('a fingerprint is the one that ssh-keygen shows', () => {
  const pair = generateKeyPair('a comment');
  const file = join(directory, 'public');
  writeFileSync(file, `${pair.publicKey}\n`);
  expect(keygen('-l', '-f', file).split(' ')[1]).toBe(fingerprint(keyBlob(pair.publicKey)));
});

test('a one-line key is read with any white space and without its comment', () => {
  const { publicKey } = generateKeyPair('c');
  const [type, body] = publicKey.split(' ');
  expect(keyBlob(`  ${type}\t${body}\n`)).toEqual(keyBlob(publicKey));
  expect(keyBlob('nonsense')).toHaveLength(0);
});
