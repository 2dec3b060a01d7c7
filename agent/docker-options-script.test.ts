import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatDockerOptions } from './docker-options.ts';
import {
  formatScriptOutput,
  makeDockerOptions,
  parseScriptOptions,
  parseVariables,
} from './docker-options-script.ts';
import { formatSubnetFile } from './subnet-file.ts';

const given =
  'FLANNEL_NETWORK=10.77.0.0/16\nFLANNEL_SUBNET=10.77.94.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';
const bip = 'DOCKER_OPT_BIP="--bip=10.77.94.1/24"\n';
const masq = 'DOCKER_OPT_IPMASQ="--ip-masq=false"\n';
const mtu = 'DOCKER_OPT_MTU="--mtu=1450"\n';
const all = '" --bip=10.77.94.1/24 --ip-masq=false --mtu=1450"\n';
const less = '" --bip=10.77.94.1/24 --mtu=1450"\n';

function output(args: readonly string[], text = given): string {
  const options = parseScriptOptions(args);
  if (options === null) throw new Error('usage');
  return formatScriptOutput(parseVariables(text), options);
}

test.each([
  [[], `${bip}${masq}${mtu}DOCKER_OPTS=${all}`],
  [['-i'], `${bip}${masq}${mtu}`],
  [['-c'], `DOCKER_OPTS=${all}`],
  [['-i', '-c'], `${bip}${masq}${mtu}DOCKER_OPTS=${all}`],
  [['-ic'], `${bip}${masq}${mtu}DOCKER_OPTS=${all}`],
  [['-m'], `${bip}${mtu}DOCKER_OPTS=${less}`],
  [['-im'], `${bip}${mtu}`],
  [['-mc'], `DOCKER_OPTS=${less}`],
  [['-k', 'OPTS'], `${bip}${masq}${mtu}OPTS=${all}`],
  [['-ck', 'OPTS'], `OPTS=${all}`],
  [['-ckOPTS'], `OPTS=${all}`],
  [['-ik', 'OPTS'], `${bip}${masq}${mtu}`],
  [['-mck', 'OPTS'], `OPTS=${less}`],
])('%j', (args, expected) => {
  expect(output(args)).toBe(expected);
});

test('masquerade is the inverse, and what is missing is left out', () => {
  expect(output(['-c'], 'FLANNEL_IPMASQ=false\n')).toBe('DOCKER_OPTS=" --ip-masq=true"\n');
  expect(output([], '')).toBe('DOCKER_OPTS=""\n');
  expect(() => output([], 'FLANNEL_IPMASQ=maybe\n')).toThrow('Invalid value of FLANNEL_IPMASQ: maybe');
});

test('it is what the agent itself writes', () => {
  const allotment = {
    network: { base: 0x0a4d0000, length: 16 },
    subnet: { base: 0x0a4d5e00, length: 24 },
    mtu: 1450,
    masquerade: true,
  };
  expect(output([], formatSubnetFile(allotment))).toBe(formatDockerOptions(allotment));
});

test.each([[['-x']], [['-h']], [['-f']], [['-ck']], [['-k', 'A B']], [['-k', '1$(x)']]])(
  '%j gets the usage',
  (args) => {
    expect(parseScriptOptions(args)).toBeNull();
  },
);

test('files are read and written where the flags say', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'flt-docker-options-'));
  try {
    const [from, to] = [join(directory, 'subnet.env'), join(directory, 'docker.env')];
    writeFileSync(from, given);
    const said: string[] = [];
    expect(await makeDockerOptions(['-c', '-f', from, '-d', to], (text) => said.push(text))).toBe(0);
    expect(readFileSync(to, 'utf8')).toBe(`DOCKER_OPTS=${all}`);
    rmSync(to);
    expect(await makeDockerOptions(['-z', '-d', to], (text) => said.push(text))).toBe(1);
    expect(existsSync(to)).toBe(false);
    expect(said.join('')).toContain('-k  name of that variable');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
