import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, cidrContains, formatIpv4, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import { fitsConfig, type NetworkConfig, parseConfig } from './config.ts';

function accept(value: unknown): NetworkConfig {
  const parsed = parseConfig(typeof value === 'string' ? value : JSON.stringify(value));
  if (parsed.kind === 'invalid') throw new Error(parsed.reason);
  return parsed.config;
}
function refuse(value: unknown): string {
  const parsed = parseConfig(typeof value === 'string' ? value : JSON.stringify(value));
  if (parsed.kind === 'config') throw new Error('it was accepted');
  return parsed.reason;
}
const range = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed === null) throw new Error(text);
  return parsed;
};

test('the least configuration gets all defaults', () => {
  expect(accept('{"Network":"10.77.0.0/16"}')).toEqual({
    network: range('10.77.0.0/16'),
    subnetLength: 24,
    subnetMin: parseIpv4('10.77.1.0'),
    subnetMax: parseIpv4('10.77.255.0'),
    backend: { type: 'udp', port: 8285 },
  });
});

test('names count in any case, unknown ones not at all, and the network is masked', () => {
  const config = accept(
    '{"network":"10.77.3.4/16","SUBNETLEN":26,"Rubbish":[1],"backend":{"type":"VXLAN","vni":7}}',
  );
  expect(config.network).toEqual(range('10.77.0.0/16'));
  expect(config.subnetLength).toBe(26);
  expect(config.backend).toEqual({
    type: 'vxlan',
    vni: 7,
    port: 0,
    gbp: false,
    learning: false,
    directRouting: false,
    mtu: null,
  });
});

test.each([
  [
    { Type: 'udp', Port: 9000 },
    { type: 'udp', port: 9000 },
  ],
  [
    { Type: 'udp', Port: null },
    { type: 'udp', port: 8285 },
  ],
  [{ Type: 'Host-GW' }, { type: 'host-gw' }],
  [{ Type: 'alloc' }, { type: 'alloc' }],
  [
    { Type: 'vxlan', VNI: 4096, Port: 8472, GBP: true, Learning: true, DirectRouting: true, MTU: 1400 },
    { type: 'vxlan', vni: 4096, port: 8472, gbp: true, learning: true, directRouting: true, mtu: 1400 },
  ],
])('backend %j', (given, expected) => {
  expect(accept({ Network: '10.77.0.0/16', Backend: given }).backend).toEqual(expected);
});

test.each([
  ['', 'it is not JSON'],
  ['[]', 'the configuration is not a JSON object'],
  ['null', 'the configuration is not a JSON object'],
  ['{}', 'please define a correct Network parameter'],
  ['{"Network":"0.0.0.0/0"}', 'please define a correct Network parameter'],
  ['{"Network":"10.77.0.0"}', 'Network of the configuration must be an IPv4 range such as 10.77.0.0/16'],
  ['{"Network":null}', 'Network of the configuration must be an IPv4 range such as 10.77.0.0/16'],
  ['{"Network":"10.77.0.0/29"}', 'Network is too small: the minimum useful network prefix is /28'],
  ['{"Network":"10.77.0.0/16","SubnetLen":31}', 'SubnetLen must be less than /31'],
  ['{"Network":"10.77.0.0/16","SubnetLen":17}', 'Network must be able to accommodate at least four subnets'],
  ['{"Network":"10.77.0.0/16","SubnetLen":"24"}', 'SubnetLen of the configuration must be a whole number'],
  ['{"Network":"10.77.0.0/16","SubnetMin":"10.78.0.0"}', 'SubnetMin is not in the range of the Network'],
  ['{"Network":"10.77.0.0/16","SubnetMin":"10.77.1.4"}', 'SubnetMin is not on a SubnetLen boundary'],
  ['{"Network":"10.77.0.0/16","SubnetMax":"10.78.0.0"}', 'SubnetMax is not in the range of the Network'],
  ['{"Network":"10.77.0.0/16","SubnetMax":"10.77.1.1"}', 'SubnetMax is not on a SubnetLen boundary'],
  ['{"Network":"10.77.0.0/16","SubnetMin":""}', 'SubnetMin of the configuration must be an IPv4 address'],
  [
    '{"Network":"10.77.0.0/16","Backend":{"Type":"vxlan","VNI":16777216}}',
    'VNI of Backend must be at most 16777215',
  ],
  [
    '{"Network":"10.77.0.0/16","Backend":{"Type":"vxlan","GBP":"yes"}}',
    'GBP of Backend must be true or false',
  ],
  [
    '{"Network":"10.77.0.0/16","Backend":{"Type":"udp","Port":"8285"}}',
    'Port of Backend must be a whole number',
  ],
  ['{"Network":"10.77.0.0/16","Backend":"vxlan"}', 'Backend is not a JSON object'],
  [
    '{"Network":"10.77.0.0/16","EnableIPv6":true,"IPv6Network":"fd00::/48"}',
    'EnableIPv6 is on, but this agent does IPv4 only',
  ],
  [
    '{"Network":"10.77.0.0/16","IPv6Network":"fd00::"}',
    'IPv6Network of the configuration must be an IPv6 range',
  ],
  ['{"Network":"10.77.0.0/16","EnableIPv4":false}', 'EnableIPv4 is off, but this agent does IPv4 only'],
])('%s is refused', (text, reason) => {
  expect(refuse(text)).toBe(reason);
});

test.each(['{}', 'null', '{"Type":"wireguard"}'])('a Backend of %s is an unknown type', (backend) => {
  expect(refuse(`{"Network":"10.77.0.0/16","Backend":${backend}}`)).toMatch(/^unknown backend type: /);
});

test('an IPv6 half that is not enabled is no obstacle', () => {
  const text =
    '{"Network":"10.77.0.0/16","EnableIPv4":true,"EnableIPv6":false,"IPv6Network":"fd00::/48","IPv6SubnetLen":64}';
  expect(accept(text).subnetLength).toBe(24);
});

test('SubnetMin above SubnetMax is valid, and no subnet fits it', () => {
  const config = accept({ Network: '10.77.0.0/16', SubnetMin: '10.77.9.0', SubnetMax: '10.77.8.0' });
  expect(fitsConfig(config, range('10.77.8.0/24'))).toBe(false);
  expect(fitsConfig(config, range('10.77.9.0/24'))).toBe(false);
});

test('0.0.0.0 and a length of 0 are as good as nothing', () => {
  const text = { Network: '10.77.0.0/16', SubnetLen: 0, SubnetMin: '0.0.0.0', SubnetMax: '0.0.0.0' };
  expect(accept(text)).toEqual(accept({ Network: '10.77.0.0/16' }));
});

test('the bounds are aligned and inside, whatever the network', () => {
  const networks = fc.record({ address: fc.nat(0xffffffff), length: fc.integer({ min: 1, max: 28 }) });
  fc.assert(
    fc.property(networks, fc.option(fc.integer({ min: 1, max: 30 })), ({ address, length }, given) => {
      const network = range(`${formatIpv4(address)}/${length}`);
      const parsed = parseConfig(
        JSON.stringify({ Network: `${formatIpv4(address)}/${length}`, SubnetLen: given }),
      );
      if (parsed.kind === 'invalid') return given !== null && given < length + 2;
      const { subnetMin, subnetMax, subnetLength } = parsed.config;
      const size = 2 ** (32 - subnetLength);
      return (
        subnetLength === (given ?? Math.max(24, length + 2)) &&
        subnetMin === network.base + size &&
        cidrContains(network, subnetMax + size - 1) &&
        !cidrContains(network, subnetMax + size) &&
        subnetMin % size === 0 &&
        subnetMax % size === 0
      );
    }),
  );
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.jsonValue().map((value) => JSON.stringify({ Network: '10.77.0.0/16', Backend: value })),
      ),
      (text) => {
        const parsed = parseConfig(text);
        return parsed.kind === 'config' || parsed.reason.length > 0;
      },
    ),
  );
});

test('of a type that is too long only the beginning is told', () => {
  expect(refuse({ Network: '10.77.0.0/16', Backend: { Type: 'x'.repeat(100_000) } }).length).toBeLessThan(
    250,
  );
});
