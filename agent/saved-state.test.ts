import { expect, test } from 'vitest';
import { parseLease } from './lease/value.ts';
import { knownFrom, type Moment, parseState, type SavedState, stillFits } from './saved-state.ts';

const day = 86_400_000;
const saved = Date.parse('2026-11-25T10:00:00.000Z');
const external = { name: 'eth0', index: 2, mtu: 1500, address: 7, publicIp: 7 };
const subnet = { base: 0x0a050100, length: 24 };
const text = JSON.stringify({
  version: 1,
  prefix: '/net',
  config: {
    network: { base: 0x0a050000, length: 16 },
    subnetLength: 24,
    subnetMin: 0x0a050100,
    subnetMax: 0x0a05ff00,
    backend: { type: 'host-gw' },
  },
  external,
  subnet,
  leaseId: '7',
  expiresAt: new Date(saved + day).toISOString(),
  bootId: 'this',
  endsAt: 1000 + day,
  store: { clusterId: '1', revision: 9 },
  leases: [{ subnet: { base: 0x0a050200, length: 24 }, publicIp: 8, backendType: 'host-gw' }],
});
const parsed = parseState(text);
if (parsed === null) throw new Error('the state can be used');
const state: SavedState = parsed;

const fits = (now: Partial<Moment>, change: Partial<SavedState> = {}) =>
  stillFits({ ...state, ...change }, '/net', external, {
    wall: saved,
    bootId: 'this',
    sinceBoot: 1000,
    ...now,
  });

test('a lease that lives is carried on, whatever the wall clock says, and one that ended is not', () => {
  expect(fits({})).toBe(true);
  for (const wall of [saved - 2 * day, saved + 2 * day]) {
    expect(fits({ wall })).toBe(true);
    expect(fits({ wall, sinceBoot: 1001 + day })).toBe(false);
  }
});

test('after another boot there is only the wall clock to go by', () => {
  expect(fits({ bootId: 'next', sinceBoot: 5 })).toBe(true);
  expect(fits({ bootId: 'next', sinceBoot: 5, wall: saved + 2 * day })).toBe(false);
  // A kernel that doesn't name its boots is never the same one.
  expect(fits({ bootId: '', wall: saved + 2 * day }, { bootId: '' })).toBe(false);
});

test('a reservation never ends; another prefix, interface or address is another network', () => {
  expect(fits({ wall: saved + 999 * day, sinceBoot: 999 * day }, { expiresAt: null, endsAt: null })).toBe(
    true,
  );
  for (const change of [
    { prefix: '/other' },
    { external: { ...external, name: 'eth1' } },
    { external: { ...external, address: 8 } },
  ])
    expect(fits({}, change)).toBe(false);
});

test.each([
  ['a subnet that is none', { subnet: { base: 0x0a050101, length: 24 } }],
  ['an MTU of nothing', { external: { ...external, mtu: 0 } }],
  [
    'a VNI that is too large',
    {
      config: {
        ...state.config,
        backend: {
          type: 'vxlan',
          vni: 2 ** 24,
          port: 0,
          gbp: false,
          learning: false,
          directRouting: false,
          mtu: null,
        },
      },
    },
  ],
  ['another version', { version: 2 }],
])('%s makes a state unusable, for a life that began with it would wait for ever', (_, change) => {
  const json: unknown = JSON.parse(text);
  expect(parseState(JSON.stringify(Object.assign({}, json, change)))).toBe(null);
});

test('what an agent before this one wrote can be used', () => {
  const json: unknown = JSON.parse(text);
  const less = { bootId: undefined, endsAt: undefined, store: undefined };
  const older = parseState(JSON.stringify(Object.assign({}, json, less)));
  expect(older).toMatchObject({ bootId: '', endsAt: null, store: null });
  expect(older === null ? older : knownFrom(older)).toBe(null);
});

test('the saved leases are known as their etcd told them', () => {
  const known = knownFrom(state);
  expect(known).toMatchObject({ clusterId: '1', revision: 9 });
  const entry = known?.entries.get('10.5.2.0-24');
  expect(entry === undefined ? entry : parseLease(entry.name, entry.value)).toEqual({
    kind: 'lease',
    lease: state.leases[0],
  });
});
