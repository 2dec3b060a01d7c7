import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, parseIpv4 } from '../../contract/ipv4.ts';
import { formatLeaseValue, formatSubnetKey, parseLease, parseSubnetKey } from './value.ts';

const address = parseIpv4('192.168.50.11') ?? 0;
const subnets = fc
  .tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 }))
  .map(([number, length]): Cidr => ({ base: number - (number % 2 ** (32 - length)), length }));

// Captured from flanneld v0.20.2.
test.each([
  [{}, '{"PublicIP":"192.168.50.11","PublicIPv6":null}'],
  [{ BackendType: 'host-gw' }, '{"PublicIP":"192.168.50.11","PublicIPv6":null,"BackendType":"host-gw"}'],
  [
    { BackendType: 'vxlan', BackendData: { VNI: 1, VtepMAC: 'be:94:88:dc:fb:3d' } },
    '{"PublicIP":"192.168.50.11","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"be:94:88:dc:fb:3d"}}',
  ],
])('the value for %j is as flannel writes it', (attributes, text) => {
  expect(formatLeaseValue(address, attributes)).toBe(text);
});

test('a key is the subnet', () => {
  expect(formatSubnetKey({ base: parseIpv4('10.5.34.0') ?? 0, length: 24 })).toBe('10.5.34.0-24');
  expect(parseSubnetKey('10.12.13.0-24&fd00:12:13::-56')).toEqual({
    base: parseIpv4('10.12.13.0'),
    length: 24,
  });
});

test.each([
  '',
  'config',
  '10.5.34.0',
  '10.5.34.0/24',
  '10.5.34.0-',
  '10.5.34.0-33',
  '10.5.34.0-024',
  '10.5.34.7-24',
  '10.5.034.0-24',
  '10.5.34.256-24',
  ' 10.5.34.0-24',
  '10.5.34.0-24/x',
  '10.5.34.0-24\n',
])('%j names no subnet', (key) => {
  expect(parseSubnetKey(key)).toBeNull();
  expect(parseLease(key, '{"PublicIP":"1.2.3.4"}').kind).toBe('malformed');
});

test.each([
  ['', 'it is not JSON'],
  ['{"PublicIP":"192.168.50.11"', 'it is not JSON'],
  ['null', 'the value is not a JSON object'],
  ['[]', 'the value is not a JSON object'],
  ['{}', 'PublicIP of the value must be an IPv4 address'],
  ['{"PublicIP":"host"}', 'PublicIP of the value must be an IPv4 address'],
  ['{"PublicIP":"192.168.50.11","BackendType":7}', 'BackendType of the value must be a string'],
])('the value %j is malformed', (value, reason) => {
  expect(parseLease('10.5.34.0-24', value)).toEqual({ kind: 'malformed', reason });
});

test('a value without a type is udp, and names count in any case', () => {
  expect(parseLease('10.5.34.0-24', '{"publicip":"192.168.50.11","PublicIPv6":"fd00::1","X":1}')).toEqual({
    kind: 'lease',
    lease: {
      subnet: { base: parseIpv4('10.5.34.0'), length: 24 },
      publicIp: address,
      backendType: 'udp',
      backendData: undefined,
    },
  });
});

test('what is written is read back', () => {
  const types = fc.constantFrom('vxlan', 'host-gw', 'something');
  fc.assert(
    fc.property(subnets, fc.nat(0xffffffff), types, fc.jsonValue(), (subnet, publicIp, type, data) => {
      const value = formatLeaseValue(publicIp, { BackendType: type, BackendData: data });
      expect(parseSubnetKey(formatSubnetKey(subnet))).toEqual(subnet);
      expect(parseLease(formatSubnetKey(subnet), value)).toEqual({
        kind: 'lease',
        lease: { subnet, publicIp, backendType: type, backendData: JSON.parse(JSON.stringify(data)) },
      });
    }),
  );
});

test('no key and no value make it throw', () => {
  const keys = fc.oneof(fc.string(), fc.constant('10.5.34.0-24'));
  fc.assert(
    fc.property(keys, fc.oneof(fc.string(), fc.json()), (key, value) => {
      parseLease(key, value);
    }),
  );
});

test('a value longer than any backend writes is not parsed', () => {
  const value = JSON.stringify({ PublicIP: '192.168.50.11', Other: 'x'.repeat(65_536) });
  expect(parseLease('10.5.34.0-24', value)).toEqual({
    kind: 'malformed',
    reason: 'the value is longer than 65536',
  });
});

test('a value nested so deeply that our saved state could not be written is malformed', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const parse = (data: string) =>
    parseLease('10.5.34.0-24', `{"PublicIP":"192.168.50.11","BackendData":${data}}`);
  expect(parse(nested(30_000))).toEqual({ kind: 'malformed', reason: 'it is nested more than 100 deep' });
  expect(parse(nested(99)).kind).toBe('lease');
  // Brackets in text are none.
  expect(parse(`"\\"${nested(200)}"`).kind).toBe('lease');
});
