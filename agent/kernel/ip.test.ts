import { expect, test } from 'vitest';
import { parseIpv4 } from '../../contract/ipv4.ts';
import { matchIface, matchRegex } from './interface.ts';
import type { Link } from './ip.ts';
import { deleteRouteLine } from './route.ts';
import { routeChanges } from './route-changes.ts';

const ipv4 = (text: string) => parseIpv4(text) ?? 0;
const link = (name: string, ...addresses: string[]): Link => ({
  index: 1,
  name,
  up: true,
  mtu: 1500,
  mac: null,
  kind: null,
  vxlan: null,
  addresses: addresses.map((text) => ({ address: ipv4(text), length: 24, scope: 'global' })),
});

test('an interface is found by address, name, and a pattern for either', () => {
  const links = [link('lo', '127.0.0.1'), link('eth0', '10.0.0.5'), link('eth1', '10.1.0.5', '10.1.0.6')];
  expect(matchIface(links, '10.1.0.6')).toMatchObject({ link: { name: 'eth1' }, address: ipv4('10.1.0.6') });
  expect(matchIface(links, 'eth0')).toMatchObject({ link: { name: 'eth0' }, address: null });
  expect(matchIface(links, 'eth')).toBe(null);
  expect(matchRegex(links, 'eth1|^10\\.0')).toMatchObject({ link: { name: 'eth0' } });
  expect(matchRegex(links, 'eth[1-9]')).toMatchObject({ link: { name: 'eth1' }, address: null });
  expect(matchRegex(links, 'wlan')).toBe(null);
});

test('a route of ours behind a rival comes to the front by deleting the rival', () => {
  const destination = { base: ipv4('10.5.2.0'), length: 24 };
  const ours = { destination, gateway: ipv4('10.0.0.2'), device: 'eth0', onlink: false };
  const kernel = { ...ours, metric: 0, protocol: 85, type: 1 };
  const rival = { ...kernel, gateway: ipv4('10.0.0.9'), protocol: 3 };
  const lines = (routes: (typeof kernel)[]) =>
    routeChanges(routes, [ours], () => false).map(({ change }) => change.line);
  expect(lines([rival, kernel])).toEqual(['route delete 10.5.2.0/24 via 10.0.0.9 dev eth0 metric 0 proto 3']);
  expect(lines([rival])).toEqual(['route replace 10.5.2.0/24 via 10.0.0.2 dev eth0 proto 85']);
  expect(lines([kernel, rival])).toEqual([]);
  expect(lines([{ ...kernel, metric: 100 }])).toHaveLength(1);
  expect(deleteRouteLine({ ...rival, gateway: null, device: null, type: 6 })).toBe(
    'route delete blackhole 10.5.2.0/24 metric 0 proto 3',
  );
});
