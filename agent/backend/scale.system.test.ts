import { expect, test } from 'vitest';
import type { Lease } from '../lease/lease.ts';
import { labForEachTest } from './test-lab/each-test.ts';
import { cidr, type Driver, type Host, ipv4, plainVxlan } from './test-lab/lab.ts';

/* As many peers as a network of 10.64.0.0/12 with subnets of /24 has room for, nearly; nothing here depends on speed. */

const count = 4000;
const network = cidr('10.64.0.0/12');

const lab = labForEachTest(1);

function first(): Host {
  const [host] = lab().hosts;
  if (host === undefined) throw new Error('a host expected');
  // Room for all peers on the link, for host-gw.
  host.sh('ip addr add 172.20.0.1/16 dev eth0');
  return host;
}

const hex = (number: number) =>
  number
    .toString(16)
    .padStart(4, '0')
    .replace(/(..)(..)/, '$1:$2');
const subnetOf = (number: number) => `10.${64 + Math.floor(number / 256)}.${number % 256}.0`;
const hostOf = (number: number) => `172.20.${1 + Math.floor(number / 250)}.${1 + (number % 250)}`;
const macOf = (number: number) => `02:00:00:00:${hex(number)}`;

/** Peer `number`, on the host of another number when it has moved. */
const lease = (backendType: string, number: number, host = number): Lease => ({
  subnet: cidr(`${subnetOf(number)}/24`),
  publicIp: ipv4(hostOf(host)),
  backendType,
  backendData: { VNI: 1, VtepMAC: macOf(host) },
});

/** The first thousand peers are on new hosts, the others where they were. */
const hosts = Array.from({ length: count }, (_, index) => index + 1);
const moved = hosts.map((number) => (number <= 1000 ? number + 5000 : number));

const sorted = (lines: readonly string[]) => [...lines].sort().join('\n');
const shown = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim().replace(/ +/g, ' '))
    .filter((line) => line !== '');

async function programAll(driver: Driver, backendType: string, places: readonly number[]): Promise<number> {
  const peers = places.map((host, index) => lease(backendType, index + 1, host));
  const { peers: states, repairs } = await driver.program(peers);
  expect(states.filter(({ state }) => state !== 'programmed')).toEqual([]);
  return repairs;
}

test('vxlan programs 4,000 peers, then changes nothing, then a thousand that moved', async () => {
  const host = first();
  const driver = host.driver();
  await driver.create(plainVxlan);
  await driver.ask({ do: 'start', network, own: cidr('10.64.0.0/24') });
  const check = (places: readonly number[]) => {
    const subnets = places.map((_, index) => subnetOf(index + 1));
    expect(sorted(shown(host.sh('ip route show dev flannel.1 proto 85')))).toBe(
      sorted(subnets.map((subnet) => `${subnet}/24 via ${subnet} onlink`)),
    );
    expect(sorted(shown(host.sh('ip neighbour show dev flannel.1 nud permanent')))).toBe(
      sorted(places.map((place, index) => `${subnets[index]} lladdr ${macOf(place)} PERMANENT`)),
    );
    expect(sorted(shown(host.sh('bridge fdb show dev flannel.1')))).toBe(
      sorted(places.map((place) => `${macOf(place)} dst ${hostOf(place)} self permanent`)),
    );
  };
  expect(await programAll(driver, 'vxlan', hosts)).toBe(0);
  check(hosts);
  expect(await programAll(driver, 'vxlan', hosts)).toBe(0);
  expect(await programAll(driver, 'vxlan', moved)).toBe(0);
  check(moved);
  // What others take away or change comes back, whatever it is, and is counted.
  host.sh(`ip route del ${subnetOf(7)}/24; ip neighbour del ${subnetOf(8)} dev flannel.1`);
  host.sh(`ip neighbour replace ${subnetOf(9)} lladdr 02:00:00:00:ff:ff nud permanent dev flannel.1`);
  host.sh(`bridge fdb del ${macOf(3000)} dev flannel.1; ip route replace ${subnetOf(10)}/24 dev eth0`);
  host.sh(`bridge fdb replace ${macOf(3001)} dev flannel.1 dst 172.20.9.9 self permanent`);
  expect(await programAll(driver, 'vxlan', moved)).toBe(6);
  check(moved);
});

test('host-gw programs 4,000 peers, then changes nothing, then a thousand that moved', async () => {
  const host = first();
  const driver = host.driver();
  await driver.create({ type: 'host-gw' }, { iface: ['192.168.50.11'] });
  await driver.ask({ do: 'start', network, own: cidr('10.64.0.0/24') });
  const check = (places: readonly number[]) =>
    expect(sorted(shown(host.sh('ip route show dev eth0 proto 85')))).toBe(
      sorted(places.map((place, index) => `${subnetOf(index + 1)}/24 via ${hostOf(place)}`)),
    );
  expect(await programAll(driver, 'host-gw', hosts)).toBe(0);
  check(hosts);
  expect(await programAll(driver, 'host-gw', hosts)).toBe(0);
  expect(await programAll(driver, 'host-gw', moved)).toBe(0);
  check(moved);
  host.sh('ip route flush proto 85');
  expect(await programAll(driver, 'host-gw', moved)).toBe(count);
  check(moved);
});
