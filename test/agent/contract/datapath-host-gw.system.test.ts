import { beforeAll, expect, test } from 'vitest';
import { type OverlayHost, pings, subnetFile, type TestOverlay } from '../../support/overlay.ts';
import { overlaysFor, waitsFor } from '../overlays.ts';

/* The host-gw backend of whole agents: one route per peer. */

const overlays = overlaysFor('file');
let made: TestOverlay;
let one: OverlayHost;
let two: OverlayHost;
beforeAll(async () => {
  ({ made, one, two } = await overlays.pair({ Network: '10.5.0.0/16', Backend: { Type: 'host-gw' } }));
});

const routes = () => one.sh('ip route').match(/^10\.5\.(?!1\.).*/gm) ?? [];
const direct = expect.stringMatching(/^10\.5\.2\.0\/24 via 192\.168\.50\.12 dev eth0 proto 85 *$/);
const settled = () =>
  made.until('the one route', () =>
    routes().length === 1 && routes()[0]?.includes('via 192.168.50.12 dev eth0') ? true : null,
  );

test('a peer has `<sn> via PublicIP dev ext` and nothing else; the MTU is that of ext', () => {
  expect(routes()).toEqual([direct]);
  expect(one.sh('ip -o link')).not.toContain('flannel');
  expect(subnetFile(one)).toContain('FLANNEL_MTU=1500\n');
  expect(pings(one, two, 1472)).toBe(true);
});

test('another BackendType is ignored, and the route of a key that goes is removed', async () => {
  made.put('subnets/10.5.8.0-24', '{"PublicIP":"192.168.50.98","PublicIPv6":null}');
  made.put('subnets/10.5.9.0-24', '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}');
  const { peers } = await made.ready(one, 2);
  expect(peers.map(({ subnet, state }) => `${subnet} ${state}`).sort()).toEqual([
    '10.5.2.0/24 programmed',
    '10.5.8.0/24 ignored',
    '10.5.9.0/24 programmed',
  ]);
  expect(routes()).toHaveLength(2);
  made.remove('subnets/10.5.8.0-24');
  made.remove('subnets/10.5.9.0-24');
  await settled();
});

test('a route that conflicts is replaced, and one that is gone comes again, at once (flanneld looks every 10 s)', async () => {
  one.sh('ip route replace 10.5.2.0/24 via 192.168.50.99');
  await settled();
  one.sh('ip route prepend 10.5.2.0/24 via 192.168.50.99');
  await settled();
  one.sh('ip route delete 10.5.2.0/24');
  await settled();
  expect(routes()).toEqual([direct]);
  expect(pings(one, two)).toBe(true);
});

test('the routes survive the end of the agent; the next one removes those of peers that are gone (flanneld leaves them)', async () => {
  made.put('subnets/10.5.9.0-24', '{"PublicIP":"192.168.50.99","PublicIPv6":null,"BackendType":"host-gw"}');
  await made.ready(one, 2);
  expect(await one.end('SIGTERM')).toBe(0);
  expect(routes()).toHaveLength(2);
  expect(pings(one, two)).toBe(true);
  made.remove('subnets/10.5.9.0-24');
  // As flanneld itself leaves its own.
  one.sh('ip route add 10.5.66.0/24 via 192.168.50.66');
  one.start();
  await made.ready(one, 1);
  expect(routes()).toEqual([direct]);
});

test('a PublicIP that is not ifaceIP is refused: ours says so and waits, flanneld ends', async () => {
  await two.end('SIGKILL');
  two.start(['-public-ip=203.0.113.5']);
  const { waitingFor } = await waitsFor(made, two, 'host-gw');
  expect(waitingFor).toContain('the public address 203.0.113.5 must be that of eth0, 192.168.50.12');
  expect(made.read('subnets/10.5.2.0-24')).toContain('"PublicIP":"192.168.50.12"');
});
