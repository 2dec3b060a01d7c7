import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatCidr, formatIpv4, parseCidr, parseIpv4 } from '../../contract/ipv4.ts';
import type { Route } from '../kernel/ip.ts';
import { routeProtocol } from '../kernel/route.ts';
import type { Lease } from '../lease/lease.ts';
import { type Change, countRepairs } from './change.ts';
import { parseMac, type VxlanKernelState, vxlanChanges, vxlanEntries, vxlanState } from './vxlan-state.ts';

const cidr = (text: string) => parseCidr(text) ?? { base: 0, length: 0 };
const ipv4 = (text: string) => parseIpv4(text) ?? 0;
const own = {
  network: cidr('10.5.0.0/16'),
  subnet: cidr('10.5.1.0/24'),
  publicIp: ipv4('192.168.50.11'),
  mac: '02:00:00:00:00:01',
};
const device = 'flannel.1';

const macs = fc
  .integer({ min: 2, max: 12 })
  .map((number) => `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`);
const backendData = fc.oneof(
  { weight: 5, arbitrary: macs.map((mac) => ({ VNI: 1, VtepMAC: mac })) },
  fc.constantFrom<unknown>(
    null,
    'x',
    [],
    {},
    { VtepMAC: 5 },
    { VtepMAC: '01:00:00:00:00:01' },
    { VtepMAC: 'zz' },
  ),
);
const leases: fc.Arbitrary<Lease[]> = fc.array(
  fc.record({
    subnet: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }).map((number) => cidr(`10.5.${number}.0/24`)) },
      fc.constantFrom(cidr('0.0.0.0/0'), cidr('8.8.8.0/24'), cidr('10.5.0.0/16'), cidr('10.5.1.128/25')),
    ),
    publicIp: fc.integer({ min: 11, max: 20 }).map((number) => ipv4(`192.168.50.${number}`)),
    backendType: fc.constantFrom('vxlan', 'vxlan', 'vxlan', 'udp'),
    backendData,
  }),
  { maxLength: 12 },
);
const direct = fc
  .subarray([12, 13, 14])
  .map((numbers) => new Map(numbers.map((number) => [ipv4(`192.168.50.${number}`), 'eth0'])));

/** What others may have put into the kernel, our own of an earlier life included. */
const kernels: fc.Arbitrary<VxlanKernelState> = fc.record({
  neighbours: fc.uniqueArray(
    fc.record({
      address: fc.integer({ min: 0, max: 12 }).map((number) => ipv4(`10.5.${number}.0`)),
      mac: macs,
      permanent: fc.boolean(),
    }),
    { selector: ({ address }) => address },
  ),
  fdb: fc.uniqueArray(
    fc.record({
      mac: macs,
      destination: fc.integer({ min: 11, max: 20 }).map((number) => ipv4(`192.168.50.${number}`)),
      permanent: fc.boolean(),
    }),
    { selector: ({ mac }) => mac },
  ),
  routes: fc.array(
    fc.record({
      destination: fc.integer({ min: 0, max: 12 }).map((number) => cidr(`10.5.${number}.0/24`)),
      gateway: fc.oneof(
        fc.constant(null),
        fc.integer({ min: 0, max: 12 }).map((number) => ipv4(`10.5.${number}.0`)),
        fc.integer({ min: 11, max: 20 }).map((number) => ipv4(`192.168.50.${number}`)),
      ),
      device: fc.constantFrom(device, 'eth0'),
      onlink: fc.boolean(),
      metric: fc.constantFrom(0, 0, 100),
      protocol: fc.constantFrom(3, 4, routeProtocol),
      type: fc.constantFrom(1, 1, 6),
    }),
    { maxLength: 10 },
  ),
});

const changesOf = (kernel: VxlanKernelState, state: ReturnType<typeof vxlanState>) =>
  vxlanChanges(kernel, state, device).changes;

/** A kernel that obeys the lines of `ip` and `bridge` that we write; it refuses what the real one refuses. */
function apply(kernel: VxlanKernelState, changes: readonly Change[]): VxlanKernelState {
  let { neighbours, fdb, routes } = kernel;
  for (const { change } of changes) {
    const { line } = change;
    const words = line.split(' ');
    const after = (word: string) => words[words.indexOf(word) + 1] ?? '';
    const [kind, act, subject = ''] = words;
    if (kind === 'neighbour') {
      neighbours = neighbours.filter(({ address }) => formatIpv4(address) !== subject);
      if (act === 'replace')
        neighbours = [...neighbours, { address: ipv4(subject), mac: after('lladdr'), permanent: true }];
    } else if (kind === 'fdb') {
      fdb = fdb.filter(({ mac }) => mac !== subject);
      if (act === 'replace')
        fdb = [...fdb, { mac: subject, destination: ipv4(after('dst')), permanent: true }];
    } else {
      const range = words.find((word) => word.includes('/')) ?? '';
      const isSame = (route: Route) => formatCidr(route.destination) === range;
      if (act === 'replace') {
        const route: Route = {
          destination: cidr(range),
          gateway: words.includes('via') ? ipv4(after('via')) : null,
          device: after('dev'),
          onlink: words.includes('onlink'),
          metric: 0,
          protocol: routeProtocol,
          type: 1,
        };
        const at = routes.findIndex((each) => isSame(each) && each.metric === 0);
        routes = at < 0 ? [...routes, route] : routes.map((each, index) => (index === at ? route : each));
      } else {
        const at = routes.findIndex(
          (each) =>
            isSame(each) &&
            each.metric === Number(after('metric')) &&
            each.protocol === Number(after('proto')) &&
            (each.gateway === null ? !words.includes('via') : formatIpv4(each.gateway) === after('via')) &&
            each.device === after('dev') &&
            each.onlink === words.includes('onlink') &&
            (each.type === 6) === words.includes('blackhole'),
        );
        expect([line, at >= 0]).toEqual([line, true]);
        routes = routes.filter((_, index) => index !== at);
      }
    }
  }
  return { neighbours, fdb, routes };
}

test('from any state of the kernel the steps lead to the wanted one, and then there is nothing to do', () => {
  fc.assert(
    fc.property(leases, direct, kernels, (peers, paths, kernel) => {
      const state = vxlanState(own, device, peers, paths);
      const after = apply(kernel, changesOf(kernel, state));
      expect(changesOf(after, state)).toEqual([]);
      const wantedRoutes = new Set(state.routes.map(({ destination }) => formatCidr(destination)));
      for (const route of after.routes)
        if (route.protocol === routeProtocol && route.type === 1 && route.metric === 0)
          expect(wantedRoutes.has(formatCidr(route.destination))).toBe(true);
      expect(after.neighbours.filter(({ permanent }) => permanent)).toHaveLength(state.neighbours.length);
      expect(after.fdb.filter(({ permanent }) => permanent)).toHaveLength(state.fdb.length);
    }),
    { numRuns: 500 },
  );
});

test('what others have put into the kernel in another shape or metric stays', () => {
  fc.assert(
    fc.property(leases, direct, kernels, (peers, paths, kernel) => {
      const state = vxlanState(own, device, peers, paths);
      const after = apply(kernel, changesOf(kernel, state));
      const wanted = new Set(state.routes.map(({ destination }) => formatCidr(destination)));
      const foreign = ({ protocol, gateway, onlink, destination, metric, ...route }: Route) =>
        protocol !== routeProtocol &&
        !(route.device === device && onlink && gateway === destination.base) &&
        (metric !== 0 || !wanted.has(formatCidr(destination)));
      expect(after.routes.filter(foreign)).toEqual(kernel.routes.filter(foreign));
      expect(after.neighbours.filter(({ permanent }) => !permanent).length).toBeLessThanOrEqual(
        kernel.neighbours.length,
      );
    }),
  );
});

test('a lease can neither take what is ours or outside the network, nor harm another lease', () => {
  fc.assert(
    fc.property(leases, direct, (peers, paths) => {
      const state = vxlanState(own, device, peers, paths);
      expect(state.sorted.map(({ lease }) => lease)).toEqual(peers);
      for (const { destination, gateway } of state.routes) {
        expect(formatCidr(destination)).toMatch(/^10\.5\.\d+\.\d+\/(2[4-9]|3[0-2])$/);
        expect(formatCidr(destination)).not.toMatch(/^10\.5\.1\./);
        expect(gateway).not.toBe(own.publicIp);
      }
      expect(new Set(state.routes.map(({ destination }) => formatCidr(destination))).size).toBe(
        state.routes.length,
      );
      expect(new Set(state.fdb.map(({ mac }) => mac)).size).toBe(state.fdb.length);
      const alone = peers.filter((_, index) => state.sorted[index]?.kind === 'used');
      const { neighbours, fdb, routes } = vxlanState(own, device, alone, paths);
      expect({ neighbours, fdb, routes }).toEqual({
        neighbours: state.neighbours,
        fdb: state.fdb,
        routes: state.routes,
      });
    }),
  );
});

test('a peer’s neighbour comes before its forwarding entry and its route last', () => {
  const peer: Lease = {
    subnet: cidr('10.5.2.0/24'),
    publicIp: ipv4('192.168.50.12'),
    backendType: 'vxlan',
    backendData: { VNI: 9, VtepMAC: '02-00-00-00-00-0A' },
  };
  const nothing = { neighbours: [], fdb: [], routes: [] };
  const steps = changesOf(nothing, vxlanState(own, device, [peer], new Map()));
  expect(steps.map(({ change }) => change.line)).toEqual([
    'neighbour replace 10.5.2.0 lladdr 02:00:00:00:00:0a dev flannel.1 nud permanent',
    'fdb replace 02:00:00:00:00:0a dev flannel.1 dst 192.168.50.12 self permanent',
    'route replace 10.5.2.0/24 via 10.5.2.0 dev flannel.1 onlink proto 85',
  ]);
});

test('only what somebody else changed counts as a repair', () => {
  const peer = (mac: string): Lease => ({
    subnet: cidr('10.5.2.0/24'),
    publicIp: ipv4('192.168.50.12'),
    backendType: 'vxlan',
    backendData: { VtepMAC: mac },
  });
  const nothing = { neighbours: [], fdb: [], routes: [] };
  const state = vxlanState(own, device, [peer('02:00:00:00:00:0a')], new Map());
  const first = changesOf(nothing, state);
  expect(countRepairs(first, null)).toBe(0);
  const entries = vxlanEntries(state, device);
  expect(countRepairs(first, () => entries)).toBe(3);
  expect(countRepairs(first, () => [])).toBe(0);
  const kernel = apply(nothing, first);
  const moved = vxlanState(own, device, [peer('02:00:00:00:00:0b')], new Map());
  expect(countRepairs(changesOf(kernel, moved), () => entries)).toBe(0);
  const gone = vxlanState(own, device, [], new Map());
  expect(countRepairs(changesOf(kernel, gone), () => entries)).toBe(0);
  expect(countRepairs(changesOf(kernel, gone), () => [])).toBe(3);
});

test('a MAC is read as Go reads it', () => {
  expect(parseMac('BE:94:88:dc:fb:3d')).toBe('be:94:88:dc:fb:3d');
  expect(parseMac('be94.88dc.fb3d')).toBe('be:94:88:dc:fb:3d');
  for (const text of [
    '',
    'be:94:88:dc:fb',
    'be:94:88:dc:fb:3d:00',
    'be:94-88:dc:fb:3d',
    ' be:94:88:dc:fb:3d',
    'be:94:88:dc:fb:3d\nlink',
  ])
    expect(parseMac(text)).toBe(null);
});
