import type { LiveHost, Sample } from '../../contract/live.ts';
import type { ProbeResult } from '../../contract/probe.ts';
import type { Health } from '../stream/verdict.ts';
import { formatMilliseconds, formatRate } from '../ui/format.ts';
import { type Box, between, distance, type Path, type Point } from './geometry.ts';
import { circleLimit, switchId } from './layout.ts';
import { healthOfPair, type Pair, pairKey } from './pairs.ts';
import { type Flow, latestOf, type OverlayEnd, overlayFlow, restingRate, underlayFlow } from './traffic.ts';

export type Layer = 'underlay' | 'overlay';

/** A line of the picture. `to` is a host, or the switch. `lost`: one of its ends does not answer. */
export interface Link {
  readonly layer: Layer;
  readonly from: string;
  readonly to: string;
  readonly health: Health;
  readonly lost: boolean;
  readonly focused: boolean;
  readonly flow: Flow | null;
  readonly label: readonly string[];
}

/** What a person points at or has chosen: hosts, and the pair of one link. */
export interface Focus {
  readonly hosts: ReadonlySet<string>;
  readonly pair: string | null;
}

export interface Picture {
  readonly hosts: ReadonlyMap<string, LiveHost>;
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly pairs: ReadonlyMap<string, Pair>;
  readonly underlayMtu: number;
}

/** Labels stand at all links up to this many hosts; above it only where one looks. */
export const labelledHosts = 6;

/** More failing links than this are not drawn: by then the picture says all that it can. */
const drawnLimit = 1200;

/** A rate as people write it; of one that is only bounded: `≤ 12 Mbit/s`. */
export const rateText = (bytesPerSecond: number, certainty: Flow['certainty']): string =>
  `${certainty === 'counted' ? '' : '≤ '}${formatRate(bytesPerSecond)}`;

/** What goes over a link in the busier direction; empty at rest. */
const busierText = (flow: Flow | null): string => {
  if (flow === null) return '';
  const most = Math.max(flow.out, flow.back);
  return most < restingRate ? '' : rateText(most, flow.certainty);
};

/** What is wrong with the worst cell of a pair, in the few words that a label has room for. */
function trouble({ kind, to, expected, seen }: ProbeResult): string {
  const bytes = (text: string) => /\d+/.exec(text)?.[0];
  switch (kind) {
    case 'ping':
      return /loss/.test(seen) && !/^100 %/.test(seen) ? 'packets get lost' : `${to.name} does not answer`;
    case 'mtu':
      return bytes(seen) === undefined
        ? 'MTU: no answer'
        : `MTU ${bytes(seen)}, not ${bytes(expected) ?? 'as expected'}`;
    case 'source':
      return 'source is translated';
    case 'http':
      return 'port does not answer';
  }
}

function overlayLabel(pair: Pair | undefined, flow: Flow | null): string[] {
  if (pair === undefined) return ['not measured'];
  const time = pair.rttMilliseconds === null ? '' : formatMilliseconds(pair.rttMilliseconds);
  const mtu = pair.mtu === null ? '' : `MTU ${pair.mtu}`;
  const [first, ...rest] = pair.worst === null ? [time || 'green', mtu] : [trouble(pair.worst), time];
  const second = [...rest, busierText(flow)].filter(Boolean).join(' · ');
  return second === '' ? [first] : [first, second];
}

/** Both rates of a link, with the unit said once when it is the same. */
function bothRates({ out, back }: Pick<Flow, 'out' | 'back'>): string {
  const [sent, received] = [formatRate(out), formatRate(back)];
  const [number, unit] = sent.split(' ');
  return `↑ ${received.endsWith(` ${unit}`) ? number : sent}  ↓ ${received}`;
}

function underlayLabel(mtu: number, flow: Flow | null): string[] {
  if (flow === null || flow.out + flow.back < restingRate) return [`MTU ${mtu}`];
  return [bothRates(flow), `MTU ${mtu}`];
}

const underlayMtuOf = (host: LiveHost): number | null =>
  host.links.find(({ role }) => role === 'underlay')?.mtu ?? null;

const isLost = (host: LiveHost | undefined): boolean => host === undefined || host.reach.kind !== 'connected';

/** A host as the end of an overlay link. */
export const overlayEnd = (host: LiveHost | undefined, sample: Sample | null): OverlayEnd => ({
  subnet: host?.status.agent?.subnet ?? null,
  sample,
});

/** What is said of a link that is pointed at, where the picture has no room for it. */
export function wordsOf(link: Pick<Link, 'layer' | 'from' | 'to'>, picture: Picture, now: number): string[] {
  const latest = (name: string) => latestOf(picture.samples.get(name), now);
  if (link.layer === 'underlay') {
    const host = picture.hosts.get(link.from);
    const mtu = (host && underlayMtuOf(host)) ?? picture.underlayMtu;
    return [link.from, ...(isLost(host) ? ['lost'] : underlayLabel(mtu, underlayFlow(latest(link.from))))];
  }
  const lost = isLost(picture.hosts.get(link.from)) || isLost(picture.hosts.get(link.to));
  const pair = picture.pairs.get(pairKey(link.from, link.to));
  const end = (name: string) => overlayEnd(picture.hosts.get(name), latest(name));
  const flow = overlayFlow(end(link.from), end(link.to));
  return [`${link.from} ↔ ${link.to}`, ...(lost ? ['one of them is lost'] : overlayLabel(pair, flow))];
}

/**
 * The links to draw. Few hosts: all of both layers. Many: each host's own underlay link, and of the overlay only the pairs that
 * fail and those of the focus, since thousands of healthy lines say less than none. Pure; `now` is Unix time in ms.
 */
export function linksOf(picture: Picture, focus: Focus, now: number): Link[] {
  const names = [...picture.hosts.keys()];
  const few = names.length <= circleLimit;
  const everyLabel = names.length <= labelledHosts;
  const latest = new Map(names.map((name) => [name, latestOf(picture.samples.get(name), now)]));
  const end = (name: string) => overlayEnd(picture.hosts.get(name), latest.get(name) ?? null);
  const links: Link[] = [];

  for (const [name, host] of picture.hosts) {
    const lost = isLost(host);
    const flow = lost ? null : underlayFlow(latest.get(name) ?? null);
    const focused = focus.hosts.has(name) || focus.pair === pairKey(name, switchId);
    const labelled = !lost && (everyLabel || (few && focused));
    links.push({
      layer: 'underlay',
      from: name,
      to: switchId,
      health: host.reach.kind === 'connecting' ? 'working' : lost ? 'bad' : 'good',
      lost,
      focused,
      flow,
      label: labelled ? underlayLabel(underlayMtuOf(host) ?? picture.underlayMtu, flow) : [],
    });
  }

  const addPair = (one: string, other: string): void => {
    const key = pairKey(one, other);
    const pair = picture.pairs.get(key);
    const lost = isLost(picture.hosts.get(one)) || isLost(picture.hosts.get(other));
    const chosen = focus.pair === key;
    const focused = chosen || focus.hosts.has(one) || focus.hosts.has(other);
    // Of many links it is enough to see how they fare.
    const flow = lost || (!few && !chosen) ? null : overlayFlow(end(one), end(other));
    const labelled = everyLabel || (few && focused);
    links.push({
      layer: 'overlay',
      from: one,
      to: other,
      health: lost ? 'stale' : healthOfPair(pair, now),
      lost,
      focused,
      flow,
      // A lost host says so itself.
      label: labelled && !lost ? overlayLabel(pair, flow) : [],
    });
  };

  if (few) {
    for (const [index, one] of names.entries())
      for (const other of names.slice(index + 1)) addPair(one, other);
    return links;
  }
  const drawn = new Set<string>();
  const addOnce = (one: string, other: string): void => {
    const key = pairKey(one, other);
    if (one === other || drawn.has(key) || !picture.hosts.has(one) || !picture.hosts.has(other)) return;
    drawn.add(key);
    addPair(one, other);
  };
  for (const host of focus.hosts) for (const other of names) addOnce(host, other);
  for (const [key, { one, other, worst }] of picture.pairs) {
    const failing = worst !== null && !isLost(picture.hosts.get(one)) && !isLost(picture.hosts.get(other));
    if (key === focus.pair || (failing && drawn.size < drawnLimit)) addOnce(one, other);
  }
  return links;
}

/** A curve between two hosts that bows away from the switch, so that it does not hide behind it. */
function overlayPath(from: Box, to: Box, hub: Point | null): Path {
  const middle = between(from, to, 0.5);
  const length = Math.max(1, distance(from, to));
  const [across, down] = hub === null ? [0, 0] : [middle.x - hub.x, middle.y - hub.y];
  const away = Math.hypot(across, down);
  const side =
    away < 40
      ? { x: -(to.y - from.y) / length, y: (to.x - from.x) / length }
      : { x: across / away, y: down / away };
  const bow = Math.min(length * 0.22, 170);
  const control = { x: middle.x + side.x * bow, y: middle.y + side.y * bow };
  return { kind: 'curve', points: [from, control, to] };
}

/** A rail over the row of a host to the trunk below the switch. */
function railPath(from: Box, hub: Box): Path {
  const level = from.y - from.height / 2 - 30;
  const start = { x: from.x, y: from.y - from.height / 2 };
  return {
    kind: 'rail',
    points: [start, { x: from.x, y: level }, { x: hub.x, y: level }, { x: hub.x, y: hub.y }],
  };
}

/** The way of a link between the boxes at its ends; null when one of them is not in the picture. */
export function pathOf(
  link: Pick<Link, 'layer' | 'from' | 'to'>,
  boxes: ReadonlyMap<string, Box>,
  few: boolean,
): Path | null {
  const [from, to, hub] = [boxes.get(link.from), boxes.get(link.to), boxes.get(switchId)];
  if (from === undefined || to === undefined || hub === undefined) return null;
  if (link.layer === 'underlay') return few ? { kind: 'rail', points: [from, to] } : railPath(from, to);
  return overlayPath(from, to, few ? hub : null);
}
