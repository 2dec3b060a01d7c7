import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observation, ObservedLink } from './observation.ts';
import { type Look, ratesBetween, sampleOf } from './rates.ts';

const link = (name: string, receivedBytes: number, sentBytes = 0, drops = 0): ObservedLink => ({
  name,
  flags: ['UP'],
  operationalState: 'UP',
  mtu: 1500,
  hardwareAddress: null,
  addresses: [],
  receivedBytes,
  sentBytes,
  drops,
});

const peer = (subnet: string, inBytes: number, outBytes: number) => ({
  subnet,
  inPackets: 1,
  inBytes,
  outPackets: 1,
  outBytes,
});
const counted = (...peers: ReturnType<typeof peer>[]): Look['traffic'] => {
  const all = { packets: 1, bytes: 1, drops: {} };
  return { in: all, out: all, peers };
};

const seen = (change: Partial<Observation> = {}, traffic: Look['traffic'] = null): Look => ({
  observation: observed(change),
  traffic,
});
const observed = (change: Partial<Observation>): Observation => ({
  monotonic: 100,
  firstProcess: 5,
  bootedAt: '2026-01-02T03:04:05.000Z',
  kernel: '6.1',
  processors: 2,
  cpu: 10,
  machine: { total: 200, steal: 4 },
  memoryBytes: 1,
  memoryLimitBytes: 2,
  units: [],
  dockerOptions: '',
  links: [link('flannel.1', 1000, 100, 1), link('eth0', 5000, 500)],
  ...change,
});

const watched = { overlay: 'flannel.1', underlay: 'eth0' };
const none = { cpu: null, steal: null, overlay: null, underlay: null, peers: null };

describe('rates between two looks', () => {
  test('are differences over the time of the host', () => {
    const after = seen({
      monotonic: 102,
      cpu: 11,
      machine: { total: 204, steal: 5 },
      links: [link('flannel.1', 3000, 100, 3), link('eth0', 9000, 700)],
    });
    expect(ratesBetween(seen(), after, watched)).toEqual({
      cpu: 0.5,
      steal: 0.25,
      overlay: { receivedBytes: 1000, sentBytes: 0, drops: 1 },
      underlay: { receivedBytes: 2000, sentBytes: 100, drops: 0 },
      peers: null,
    });
    expect(ratesBetween(seen(), after, { ...watched, overlay: null }).overlay).toBeNull();
    expect(sampleOf('h1', 42, seen(), after, watched)).toMatchObject({ host: 'h1', at: 42, cpu: 0.5 });
  });

  test.each([
    ['there is no look before', null, seen({ monotonic: 102 })],
    ['the host was booted', seen(), seen({ monotonic: 102, firstProcess: 90 })],
    ['no time has passed', seen(), seen()],
    ['the clock goes back', seen(), seen({ monotonic: 90 })],
    ['a long time has passed', seen(), seen({ monotonic: 4000 })],
  ])('are not told when %s', (_, before, after) => {
    expect(ratesBetween(before, after, watched)).toEqual(none);
  });

  test('a counter that began anew takes no other rate with it', () => {
    const after = seen({ monotonic: 102, cpu: 11, links: [link('flannel.1', 10), link('eth0', 9000, 700)] });
    expect(ratesBetween(seen(), after, watched)).toMatchObject({
      cpu: 0.5,
      overlay: null,
      underlay: { receivedBytes: 2000 },
    });
  });

  test('of the peers are told where the agent counts them, but for silent and new ones', () => {
    const before = seen(
      {},
      counted(peer('10.5.2.0/24', 100, 50), peer('10.5.3.0/24', 7, 7), peer('10.5.4.0/24', 9, 9)),
    );
    const after = counted(
      peer('10.5.2.0/24', 300, 50),
      peer('10.5.3.0/24', 7, 7),
      peer('10.5.4.0/24', 2, 10),
      peer('10.5.5.0/24', 2, 2),
    );
    const { peers } = ratesBetween(before, seen({ monotonic: 102 }, after), watched);
    expect(peers).toEqual([{ subnet: '10.5.2.0/24', receivedBytes: 100, sentBytes: 0 }]);
    expect(ratesBetween(before, seen({ monotonic: 102 }), watched).peers).toBeNull();
  });

  test('are never negative, infinite or no number', () => {
    const counter = fc.nat(1e9);
    const look = fc.record({
      monotonic: fc.double({ noNaN: true, min: 0, max: 1e6 }),
      firstProcess: fc.nat(1),
      cpu: fc.option(counter),
      machine: fc.record({ total: counter, steal: counter }),
      links: fc.tuple(counter, counter, counter).map(([a, b, c]) => [link('eth0', a, b, c)]),
    });
    fc.assert(
      fc.property(look, look, (before, after) => {
        const { cpu, steal, underlay } = ratesBetween(seen(before), seen(after), watched);
        for (const rate of [cpu, steal, ...Object.values(underlay ?? {})]) {
          if (rate === null) continue;
          expect(rate).toBeGreaterThanOrEqual(0);
          expect(Number.isFinite(rate)).toBe(true);
        }
      }),
    );
  });
});
