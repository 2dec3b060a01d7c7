import { expect, test } from 'vitest';
import { labForEachTest } from '../backend/test-lab/each-test.ts';
import { type Driver, ipv4, leaseOf, plainVxlan } from '../backend/test-lab/lab.ts';

const lab = labForEachTest(2);

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits until the watch has told of a change. */
async function awaitNews(driver: Driver, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while ((await driver.ask({ do: 'news' })) === 0) {
    if (Date.now() > deadline) throw new Error(`no news of: ${what}`);
    await pause(50);
  }
}

/** Waits until the namespace has been quiet for some looks of the watch. */
async function awaitQuiet(driver: Driver): Promise<void> {
  const deadline = Date.now() + 20_000;
  do {
    if (Date.now() > deadline) throw new Error('the namespace does not become quiet');
    await driver.ask({ do: 'news' });
    await pause(1000);
  } while ((await driver.ask({ do: 'news' })) !== 0);
}

test('whatever others change is told, and the next pass puts it right; a pass that changes nothing causes no other', {
  timeout: 180_000,
}, async () => {
  const [host, other] = lab().hosts;
  if (host === undefined || other === undefined) throw new Error('two hosts expected');
  const driver = host.driver();
  await driver.create(plainVxlan);
  await driver.start();
  const mac = '02:00:00:00:00:0a';
  const lease = leaseOf(other, { BackendType: 'vxlan', BackendData: { VtepMAC: mac } });
  await driver.program([lease]);
  await driver.ask({ do: 'watch' });
  await awaitQuiet(driver);
  const faults = [
    'ip route del 10.5.2.0/24',
    'ip route replace 10.5.2.0/24 dev eth0',
    'ip neighbour del 10.5.2.0 dev flannel.1',
    'ip neighbour replace 10.5.2.0 lladdr 02:00:00:00:00:0b nud permanent dev flannel.1',
    `bridge fdb del ${mac} dev flannel.1`,
    `bridge fdb replace ${mac} dev flannel.1 dst 192.168.50.99 self permanent`,
    'ip addr del 10.5.1.0/32 dev flannel.1',
    'ip addr add 10.9.9.9/32 dev flannel.1',
    'ip link set flannel.1 mtu 1300',
    'ip link set flannel.1 down',
    'ip link del flannel.1',
  ];
  const state = () =>
    host.sh('ip -o -4 addr show dev flannel.1; ip route show dev flannel.1; bridge fdb show dev flannel.1') +
    host.sh('ip neighbour show dev flannel.1 nud permanent; ip -o link show flannel.1');
  const normal = (text: string) => text.replace(/^\d+: /gm, '');
  const wanted = normal(state());
  for (const fault of faults) {
    host.sh(fault);
    await awaitNews(driver, fault);
    const { repairs } = await driver.program([lease]);
    expect([fault, repairs > 0]).toEqual([fault, true]);
    expect([fault, normal(state())]).toEqual([fault, wanted]);
    expect([fault, (await driver.program([lease])).repairs]).toEqual([fault, 0]);
    await awaitQuiet(driver);
  }
  // Our own changes may be told (forwarding entries are, on some kernels), but the pass after them ends it.
  const moved = leaseOf(other, { BackendType: 'vxlan', BackendData: { VtepMAC: '02:00:00:00:00:0c' } });
  await driver.program([{ ...moved, publicIp: ipv4('192.168.50.77') }]);
  await awaitQuiet(driver);
  await driver.program([{ ...moved, publicIp: ipv4('192.168.50.77') }]);
  await pause(1000);
  expect(await driver.ask({ do: 'news' })).toBe(0);
});
