import { expect, test } from 'vitest';
import { ipAddressText } from './ip-address.ts';

test('an interface is written as ip addr writes it', () => {
  expect(
    ipAddressText({
      role: 'overlay',
      name: 'flannel.1',
      flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
      operationalState: 'UNKNOWN',
      mtu: 1450,
      hardwareAddress: '02:42:0a:4d:01:00',
      addresses: ['10.77.1.0/32', 'fe80::42:aff:fe4d:100/64'],
    }),
  ).toBe(
    [
      'flannel.1: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 state UNKNOWN',
      '    link/ether 02:42:0a:4d:01:00',
      '    inet 10.77.1.0/32',
      '    inet6 fe80::42:aff:fe4d:100/64',
    ].join('\n'),
  );
});

test('a TUN device has no hardware address', () => {
  expect(
    ipAddressText({
      role: 'overlay',
      name: 'flannel0',
      flags: ['POINTOPOINT', 'UP'],
      operationalState: 'UNKNOWN',
      mtu: 1472,
      hardwareAddress: null,
      addresses: [],
    }),
  ).toBe('flannel0: <POINTOPOINT,UP> mtu 1472 state UNKNOWN\n    link/none');
});
