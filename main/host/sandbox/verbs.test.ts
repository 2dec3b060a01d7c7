import { describe, expect, test } from 'vitest';
import { rootRequest, verb } from './verbs.ts';

const start = {
  verb: 'start-host',
  lab: '0123abcd',
  host: 'h1',
  address: '10.210.0.11',
  gateway: '10.210.0.1',
  prefixLength: 24,
  mtu: 1500,
  memoryMebibytes: null,
  hostPrivateKey: 'key',
  authorizedKey: 'ssh-ed25519 AAAA',
  hostsFile: '127.0.0.1 localhost\n',
  node: '/usr/bin/node',
};
const raise = { verb: 'raise-underlay', lab: '0123abcd', gateway: '10.210.0.1', prefixLength: 24, mtu: 1500 };

const accepts = (value: unknown) => verb.safeParse(value).success;

test('what Flatland sends is accepted', () => {
  for (const value of [
    start,
    raise,
    { verb: 'stop-host', lab: '0123abcd', host: 'h1', storage: 'keep' },
    { verb: 'lower-underlay', lab: '0123abcd' },
  ])
    expect(accepts(value)).toBe(true);
  expect(rootRequest.safeParse({ id: 1, request: raise }).success).toBe(true);
});

describe('whoever speaks to the root program cannot lead it elsewhere', () => {
  test.each([
    '',
    '..',
    '../../etc',
    '/etc',
    'h1/..',
    'h1/../..',
    '.',
    'h1.net',
    'a',
    'H1',
    'h 1',
    'h1\n',
    '\nh1',
    'h1\0',
    '-h1',
    'h1-',
    '_switch',
    'h1;reboot',
    '$(id)',
    'é1',
    'x'.repeat(33),
  ])('no host is called %j', (host) => {
    expect(accepts({ ...start, host })).toBe(false);
    expect(accepts({ verb: 'stop-host', lab: '0123abcd', host, storage: 'keep' })).toBe(false);
  });

  test.each(['', '..', '../0123ab', '0123ABCD', '0123abc', '0123abcde', '0123abcd\n', '0123abc/', 5, null])(
    'no lab is %j',
    (lab) => {
      for (const value of [
        start,
        raise,
        { verb: 'stop-host', host: 'h1', storage: 'keep' },
        { verb: 'lower-underlay' },
      ])
        expect(accepts({ ...value, lab })).toBe(false);
    },
  );

  test.each(['10.0.0.1/24', '10.0.0.1 dev eth0', '10.0.0.256', '::1', '10.0.0.1\nlink del eth0', ''])(
    'no address is %j',
    (address) => {
      expect(accepts({ ...start, address })).toBe(false);
      expect(accepts({ ...start, gateway: address })).toBe(false);
      expect(accepts({ ...raise, gateway: address })).toBe(false);
    },
  );

  test.each([
    ['prefixLength', 31],
    ['prefixLength', 7],
    ['prefixLength', '24'],
    ['mtu', 1279],
    ['mtu', 9217],
    ['mtu', 1500.5],
    ['memoryMebibytes', 0],
    ['memoryMebibytes', '1; reboot'],
    ['hostPrivateKey', ''],
    ['authorizedKey', 'one\ncommand="x" two'],
    ['authorizedKey', 'one\rtwo'],
    ['node', 'node'],
    ['node', ''],
    ['node', '/usr/bin/node:/etc/shadow'],
    ['node', '/usr/bin/../../tmp/x\n'],
    ['node', '/usr/bin/no\\de'],
  ])('%s is not %j', (key, value) => {
    expect(accepts({ ...start, [key]: value })).toBe(false);
  });

  test('nothing more is taken than asked for', () => {
    expect(accepts({ ...start, path: '/etc' })).toBe(false);
    expect(accepts({ ...raise, verb: 'run' })).toBe(false);
    expect(rootRequest.safeParse({ id: 1, request: raise, second: raise }).success).toBe(false);
    expect(rootRequest.safeParse({ id: '1', request: raise }).success).toBe(false);
  });
});
