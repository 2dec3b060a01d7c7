import { describe, expect, test } from 'vitest';
import type { LiveHost, Sample } from '../../contract/live.ts';
import { testHost, testProbe } from '../stream/fixture.ts';
import { switchId } from './layout.ts';
import { type Focus, linksOf, type Picture, pathOf, wordsOf } from './links.ts';
import { pairKey, summarisePairs } from './pairs.ts';

const now = Date.parse('2026-01-01T00:01:00.000Z');
const nobody: Focus = { hosts: new Set(), pair: null };
const lost = (name: string) =>
  testHost(name, {
    kind: 'reconnecting',
    attempt: 2,
    nextTryAt: '2026-01-01T00:01:03.000Z',
    reason: 'silent',
  });

const flowing = (host: string, bytes: number): Sample => ({
  host,
  at: now,
  cpu: null,
  processors: 1,
  steal: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  overlay: { receivedBytes: bytes, sentBytes: bytes, drops: 0 },
  underlay: { receivedBytes: bytes, sentBytes: bytes, drops: 0 },
  peers: null,
});

const pictureOf = (hosts: readonly LiveHost[], own: Partial<Picture> = {}): Picture => ({
  hosts: new Map(hosts.map((host) => [host.name, host])),
  samples: new Map(),
  pairs: new Map(),
  underlayMtu: 1500,
  ...own,
});

const many = (count: number) => Array.from({ length: count }, (_, index) => testHost(`h${index + 1}`));

describe('few hosts', () => {
  test('are all joined to the switch and to each other', () => {
    const links = linksOf(pictureOf(many(4)), nobody, now);
    expect(links.filter(({ layer }) => layer === 'underlay')).toHaveLength(4);
    expect(links.filter(({ layer }) => layer === 'overlay')).toHaveLength(6);
  });

  test('a link has the health, the round trip and the MTU of its probes', () => {
    const pairs = summarisePairs([
      testProbe('h1-a', 'h2-a', 'ping', { milliseconds: 0.21 }),
      testProbe('h1-a', 'h2-a', 'mtu', { seen: '1450 bytes' }),
    ]);
    const samples = new Map([
      ['h1', [flowing('h1', 1_500_000)]],
      ['h2', [flowing('h2', 3_000_000)]],
    ]);
    const link = linksOf(pictureOf(many(3), { pairs, samples }), nobody, now).find(
      ({ from, to }) => from === 'h1' && to === 'h2',
    );
    expect(link).toMatchObject({ health: 'good', label: ['0.21 ms', 'MTU 1450 · ≤ 12 Mbit/s'] });
  });

  test('a failing link says first what is wrong', () => {
    const pairs = summarisePairs([
      testProbe('h1-a', 'h2-a', 'ping', { milliseconds: 0.21 }),
      testProbe('h1-a', 'h2-a', 'mtu', { ok: false, seen: '1400 bytes', expected: '1450 bytes' }),
    ]);
    const link = linksOf(pictureOf(many(2), { pairs }), nobody, now).at(-1);
    expect(link).toMatchObject({ health: 'bad', label: ['MTU 1400, not 1450', '0.21 ms'] });
  });

  test('what was not measured is grey, not green', () => {
    expect(linksOf(pictureOf(many(2)), nobody, now).at(-1)).toMatchObject({
      health: 'stale',
      label: ['not measured'],
    });
  });

  test('a lost host has red underlay and grey overlay, and no traffic', () => {
    const samples = new Map([['h2', [flowing('h2', 1e6)]]]);
    const pairs = summarisePairs([testProbe('h1-a', 'h2-a', 'ping')]);
    const links = linksOf(pictureOf([testHost('h1'), lost('h2')], { samples, pairs }), nobody, now);
    expect(links.find(({ from, layer }) => from === 'h2' && layer === 'underlay')).toMatchObject({
      health: 'bad',
      lost: true,
      flow: null,
    });
    expect(links.find(({ layer }) => layer === 'overlay')).toMatchObject({
      health: 'stale',
      lost: true,
      flow: null,
    });
  });

  test('the underlay has the exact rates of a host, with their unit once', () => {
    const samples = new Map([['h1', [flowing('h1', 1_500_000)]]]);
    const link = linksOf(pictureOf(many(2), { samples }), nobody, now).find(({ to }) => to === switchId);
    expect(link?.label).toEqual(['↑ 12  ↓ 12 Mbit/s', 'MTU 1500']);
  });

  test('more than six are labelled only where one looks', () => {
    const picture = pictureOf(many(8));
    expect(linksOf(picture, nobody, now).every(({ label }) => label.length === 0)).toBe(true);
    const focused = linksOf(picture, { hosts: new Set(['h1']), pair: null }, now).filter(
      ({ label }) => label.length > 0,
    );
    expect(focused).toHaveLength(8);
    expect(focused.every(({ from, to }) => from === 'h1' || to === 'h1')).toBe(true);
  });
});

describe('many hosts', () => {
  const pairs = summarisePairs([
    testProbe('h1-a', 'h2-a', 'ping'),
    testProbe('h3-a', 'h4-a', 'ping', { ok: false }),
    testProbe('h5-a', 'h200-a', 'ping', { ok: false }),
  ]);
  const hosts = [...many(199), lost('h200')];
  const overlay = (focus: Focus) =>
    linksOf(pictureOf(hosts, { pairs }), focus, now).filter(({ layer }) => layer === 'overlay');

  test('show of the overlay only what fails between hosts that answer', () => {
    expect(overlay(nobody).map(({ from, to }) => [from, to])).toEqual([['h3', 'h4']]);
  });

  test('show the links of the host and of the pair that one looks at', () => {
    expect(overlay({ hosts: new Set(['h7']), pair: null })).toHaveLength(199 + 1);
    expect(overlay({ hosts: new Set(), pair: pairKey('h2', 'h1') })).toHaveLength(2);
  });

  test('draw no more failing links than anyone can see', () => {
    const cells = many(80).flatMap(({ name: one }) =>
      many(80).map(({ name: other }) => testProbe(`${one}-a`, `${other}-a`, 'ping', { ok: false })),
    );
    const links = linksOf(pictureOf(many(80), { pairs: summarisePairs(cells) }), nobody, now);
    expect(links.length).toBeGreaterThan(1000);
    expect(links.length).toBeLessThan(1400);
  });
});

test('a link that is pointed at is told with its ends', () => {
  const picture = pictureOf([testHost('h1'), testHost('h2'), lost('h3')]);
  expect(wordsOf({ layer: 'overlay', from: 'h1', to: 'h2' }, picture, now)).toEqual([
    'h1 ↔ h2',
    'not measured',
  ]);
  expect(wordsOf({ layer: 'overlay', from: 'h1', to: 'h3' }, picture, now)).toEqual([
    'h1 ↔ h3',
    'one of them is lost',
  ]);
  expect(wordsOf({ layer: 'underlay', from: 'h3', to: switchId }, picture, now)).toEqual(['h3', 'lost']);
});

test('a link runs between the boxes of its ends, and nowhere without them', () => {
  const boxes = new Map([
    ['h1', { x: -300, y: 0, width: 100, height: 60 }],
    ['h2', { x: 300, y: 0, width: 100, height: 60 }],
    [switchId, { x: 0, y: 0, width: 100, height: 60 }],
  ]);
  const path = pathOf({ layer: 'overlay', from: 'h1', to: 'h2' }, boxes, true);
  expect(path?.points[0]).toMatchObject({ x: -300, y: 0 });
  expect(path?.points[2]).toMatchObject({ x: 300, y: 0 });
  // Straight through the switch it would not be seen.
  expect(Math.abs(path?.points[1]?.y ?? 0)).toBeGreaterThan(60);
  expect(pathOf({ layer: 'overlay', from: 'h1', to: 'gone' }, boxes, true)).toBeNull();
});
