import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Cidr, parseCidr } from '../contract/ipv4.ts';
import { formatDockerOptions } from './docker-options.ts';
import { socketAddress } from './notify.ts';
import { reasonOf } from './reason.ts';
import { formatSubnetFile, parseSubnetFile, readSubnetFile } from './subnet-file.ts';
import { writeWhole } from './write-file.ts';

const range = (text: string): Cidr => parseCidr(text) ?? { base: 0, length: 0 };
const allotment = {
  network: range('10.77.0.0/16'),
  subnet: range('10.77.94.0/24'),
  mtu: 1450,
  masquerade: true,
};
const directory = mkdtempSync(join(tmpdir(), 'flt-files-'));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('subnet.env is as flannel writes it', () => {
  expect(formatSubnetFile(allotment)).toBe(
    'FLANNEL_NETWORK=10.77.0.0/16\nFLANNEL_SUBNET=10.77.94.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
});

test("Docker's options are as mk-docker-opts.sh writes them, and masquerade is the inverse", () => {
  expect(formatDockerOptions(allotment)).toBe(
    [
      'DOCKER_OPT_BIP="--bip=10.77.94.1/24"',
      'DOCKER_OPT_IPMASQ="--ip-masq=false"',
      'DOCKER_OPT_MTU="--mtu=1450"',
      'DOCKER_OPTS=" --bip=10.77.94.1/24 --ip-masq=false --mtu=1450"\n',
    ].join('\n'),
  );
  expect(formatDockerOptions({ ...allotment, masquerade: false })).toContain('"--ip-masq=true"');
});

test.each([
  [formatSubnetFile(allotment), '10.77.94.0/24'],
  ['FLANNEL_SUBNET="10.77.94.1/24"\r\n', '10.77.94.0/24'],
  ['export FLANNEL_SUBNET=10.77.94.1/24', '10.77.94.0/24'],
  ['FLANNEL_SUBNET=10.77.1.1/24\nFLANNEL_SUBNET=10.77.94.1/24', '10.77.94.0/24'],
])('the subnet of %j', (text, subnet) => {
  expect(parseSubnetFile(text)).toEqual(range(subnet));
});

test.each([
  '',
  'FLANNEL_SUBNET=',
  'FLANNEL_SUBNET=10.77.94.1',
  'FLANNEL_SUBNET=fd00::/64',
  'X_FLANNEL_SUBNET=10.77.94.1/24',
])('%j names no subnet', (text) => {
  expect(parseSubnetFile(text)).toBeNull();
});

test('a file is written whole, its folder made, and nothing stays beside it', async () => {
  const path = join(directory, 'made', 'subnet.env');
  expect(await readSubnetFile(path)).toBeNull();
  await writeWhole(path, 'old');
  await writeWhole(path, formatSubnetFile(allotment));
  expect(await readSubnetFile(path)).toEqual(range('10.77.94.0/24'));
  expect(readdirSync(join(directory, 'made'))).toEqual(['subnet.env']);
  expect(readFileSync(path, 'utf8')).toBe(formatSubnetFile(allotment));
  expect(statSync(path).mode & 0o777).toBe(0o644);
});

test('the address of a service manager: a path or an abstract name', () => {
  expect(socketAddress('/run/x')?.subarray(2).toString()).toBe('/run/x\0');
  expect(socketAddress('@abc')?.subarray(2).toString()).toBe('\0abc');
  expect(socketAddress('/run/x')?.readUInt16LE(0)).toBe(1);
  for (const name of ['', 'x', '/', '@', 'vsock:2:1', `/${'x'.repeat(107)}`])
    expect(socketAddress(name)).toBeNull();
});

test('a reason is one line without class names', () => {
  expect(reasonOf(new Error('GRPCUnavailableError: 14 UNAVAILABLE:\n  no one'))).toBe(
    '14 UNAVAILABLE: no one',
  );
  expect(reasonOf(new Error(''))).toBe('Error');
  expect(reasonOf('text')).toBe('text');
});
