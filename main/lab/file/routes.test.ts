import { expect, test } from 'vitest';
import { failureOf } from '../../../test/support/failure.ts';
import { machineRanges, readRanges } from './routes.ts';

/* Recorded with iproute2 6.1 (Debian 12) on a laptop with Docker, a VPN and a bridge, names and addresses changed. */
const routes = JSON.stringify([
  { dst: 'default', gateway: '192.168.1.1', dev: 'wlan0', protocol: 'dhcp', metric: 600, flags: [] },
  { type: 'unicast', dst: '0.0.0.0/1', dev: 'tun0', flags: [] },
  { dst: '10.8.0.0/24', dev: 'tun0', protocol: 'kernel', scope: 'link', prefsrc: '10.8.0.6', flags: [] },
  {
    dst: '172.17.0.0/16',
    dev: 'docker0',
    protocol: 'kernel',
    scope: 'link',
    prefsrc: '172.17.0.1',
    flags: ['linkdown'],
  },
  {
    dst: '192.168.1.0/24',
    dev: 'wlan0',
    protocol: 'kernel',
    scope: 'link',
    prefsrc: '192.168.1.20',
    metric: 600,
    flags: [],
  },
  { type: 'unicast', dst: '203.0.113.9', gateway: '192.168.1.1', dev: 'wlan0', flags: [] },
  {
    dst: '10.50.0.0/16',
    flags: [],
    nexthops: [
      { gateway: '10.8.0.1', dev: 'tun0', weight: 1, flags: [] },
      { gateway: '192.168.1.2', dev: 'wlan0', weight: 1, flags: [] },
    ],
  },
  { type: 'blackhole', dst: '10.60.0.0/16', flags: [] },
  { type: 'unreachable', dst: '10.61.0.0/16', dev: 'lo', metric: 4278198272, flags: [] },
  { type: 'throw', dst: '10.62.0.0/16', table: '100', flags: [] },
  {
    type: 'local',
    dst: '10.8.0.6',
    dev: 'tun0',
    table: 'local',
    protocol: 'kernel',
    scope: 'host',
    prefsrc: '10.8.0.6',
    flags: [],
  },
  {
    type: 'broadcast',
    dst: '10.8.0.255',
    dev: 'tun0',
    table: 'local',
    protocol: 'kernel',
    scope: 'link',
    prefsrc: '10.8.0.6',
    flags: [],
  },
  {
    type: 'local',
    dst: '127.0.0.0/8',
    dev: 'lo',
    table: 'local',
    protocol: 'kernel',
    scope: 'host',
    prefsrc: '127.0.0.1',
    flags: [],
  },
  { dst: '10.70.1.0/24', gateway: '10.70.1.0', dev: 'flannel.1', flags: ['onlink'] },
]);
const addresses = JSON.stringify([
  {
    ifindex: 1,
    ifname: 'lo',
    flags: ['LOOPBACK'],
    mtu: 65536,
    addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host', label: 'lo' }],
  },
  {
    ifindex: 3,
    ifname: 'wlan0',
    addr_info: [
      {
        family: 'inet',
        local: '192.168.1.20',
        prefixlen: 24,
        broadcast: '192.168.1.255',
        scope: 'global',
        dynamic: true,
      },
    ],
  },
  {
    ifindex: 5,
    ifname: 'ppp0',
    addr_info: [{ family: 'inet', local: '10.90.0.2', address: '10.90.0.1', prefixlen: 32, scope: 'global' }],
  },
  {
    ifindex: 6,
    ifname: 'down0',
    addr_info: [{ family: 'inet', local: '10.91.5.5', prefixlen: 16, scope: 'global' }],
  },
  {},
  { ifindex: 7, ifname: 'bare0' },
]);

test('routes and addresses become ranges with owners', () => {
  expect(readRanges(routes, '[]').map(({ cidr, owner }) => `${cidr} ${owner}`)).toEqual([
    '0.0.0.0/1 route of interface tun0',
    '10.8.0.0/24 route of interface tun0',
    '172.17.0.0/16 route of interface docker0',
    '192.168.1.0/24 route of interface wlan0',
    '203.0.113.9/32 route of interface wlan0',
    '10.50.0.0/16 route of interface tun0',
    '10.60.0.0/16 blackhole route of this machine',
    '10.61.0.0/16 route of interface lo',
    '10.8.0.6/32 address of interface tun0',
    '127.0.0.0/8 address of interface lo',
    '10.70.1.0/24 route of interface flannel.1',
  ]);
  expect(readRanges('[]', addresses).map(({ cidr, owner }) => `${cidr} ${owner}`)).toEqual([
    '127.0.0.0/8 address of interface lo',
    '192.168.1.0/24 address of interface wlan0',
    '10.90.0.2/32 address of interface ppp0',
    '10.90.0.1/32 address of interface ppp0',
    // Of an interface that is down there is an address and no route.
    '10.91.0.0/16 address of interface down0',
  ]);
});

test('a range with one owner is there once', () => {
  const twice = JSON.stringify([
    { dst: '10.1.0.0/16', dev: 'a' },
    { dst: '10.1.0.0/16', dev: 'a', metric: 5 },
    { dst: '10.1.0.0/16', dev: 'b' },
  ]);
  expect(readRanges(twice, '')).toHaveLength(2);
});

test('a machine without any prints nothing', () => {
  expect(readRanges('', '')).toEqual([]);
});

test.each(['{}', '[1]', '[{"dst":5}]', 'nonsense', '[{"dev":"eth0"}]'])(
  '%j is not what `ip` prints',
  (text) => {
    expect(() => readRanges(text, '[]')).toThrow();
  },
);

test('this machine has loopback at least', async () => {
  expect(await machineRanges()).toContainEqual({ cidr: '127.0.0.0/8', owner: 'address of interface lo' });
});

test('a missing `ip` and one that fails are told apart', async () => {
  expect(await failureOf(machineRanges(['/no/such/ip']))).toMatchObject({ code: 'package-missing' });
  expect(await failureOf(machineRanges(['false']))).toMatchObject({ code: 'command-failed' });
  expect(await failureOf(machineRanges(['echo', 'words']))).toMatchObject({ code: 'command-failed' });
});
