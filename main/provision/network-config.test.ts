import { expect, test } from 'vitest';
import { backend } from '../../contract/lab.ts';
import { backendHeaders, formatNetworkConfig, overlayMtu } from './network-config.ts';

const config = (options: unknown, subnetLength = 24): unknown =>
  JSON.parse(formatNetworkConfig({ cidr: '10.77.0.0/16', subnetLength, backend: backend.parse(options) }));

test.each([
  [{ type: 'vxlan' }, { Type: 'vxlan', VNI: 1, Port: 8472, DirectRouting: false }],
  [
    { type: 'vxlan', vni: 7, port: 4789, directRouting: true },
    { Type: 'vxlan', VNI: 7, Port: 4789, DirectRouting: true },
  ],
  [{ type: 'udp' }, { Type: 'udp', Port: 8285 }],
  [{ type: 'host-gw' }, { Type: 'host-gw' }],
])('%j is what flannel reads as %j', (options, expected) => {
  expect(config(options)).toEqual({ Network: '10.77.0.0/16', SubnetLen: 24, Backend: expected });
});

test('the same network is the same text, so that an unchanged one is seen to be', () => {
  const network = { cidr: '10.77.0.0/16', subnetLength: 26, backend: backend.parse({ type: 'udp' }) };
  expect(formatNetworkConfig(network)).toBe(formatNetworkConfig(structuredClone(network)));
});

test.each([
  ['vxlan', 1450],
  ['udp', 1472],
  ['host-gw', 1500],
])('%s leaves %i of 1500 bytes, and its headers are what is missing', (type, mtu) => {
  const parsed = backend.parse({ type });
  const headers = backendHeaders(parsed).reduce((sum, { bytes }) => sum + bytes, 0);
  expect([overlayMtu(1500, parsed), overlayMtu(1500, parsed) + headers]).toEqual([mtu, 1500]);
});
