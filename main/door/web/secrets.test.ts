import { expect, it } from 'vitest';
import { openSecrets } from './secrets.ts';

const key = Buffer.from('a key');
const day = 24 * 3_600_000;

it('gives a session for a token, once', () => {
  const secrets = openSecrets(key);
  const token = secrets.newToken();
  expect(secrets.isSession(secrets.exchange(token))).toBe(true);
  expect(secrets.exchange(token)).toBeNull();
  expect(secrets.exchange('')).toBeNull();
});

it('lets each of the last eight tokens in', () => {
  const secrets = openSecrets(key);
  const tokens = Array.from({ length: 9 }, () => secrets.newToken());
  expect(tokens.map((token) => secrets.exchange(token) === null)).toEqual([true, ...Array(8).fill(false)]);
});

it('knows a session for a week, also after a new start', () => {
  let time = 1_000_000;
  const open = () => openSecrets(key, null, () => time);
  const before = open();
  const session = before.exchange(before.newToken());
  expect(open().isSession(session)).toBe(true);
  time += 8 * day;
  expect(open().isSession(session)).toBe(false);
});

it('knows no session that was changed, or signed with another key', () => {
  const secrets = openSecrets(key);
  const session = secrets.exchange(secrets.newToken()) ?? '';
  const [expires, name, signature] = session.split('.');
  expect(secrets.isSession(`${Number(expires) + day}.${name}.${signature}`)).toBe(false);
  expect(secrets.isSession(`${session}.more`)).toBe(false);
  expect(openSecrets(Buffer.from('another')).isSession(session)).toBe(false);
  for (const wrong of [null, '', '..', 'x']) expect(secrets.isSession(wrong)).toBe(false);
});

it('gives any number of sessions for a token of a developer', () => {
  const secrets = openSecrets(key, 'dev');
  expect(secrets.newToken()).toBe('dev');
  expect([secrets.exchange('dev'), secrets.exchange('dev')].map(secrets.isSession)).toEqual([true, true]);
  expect(secrets.exchange('other')).toBeNull();
});
