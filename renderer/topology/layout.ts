import { type Box, overlaps, type Point } from './geometry.ts';

/** Up to this many hosts stand around the underlay's switch and all links are drawn; more stand in rows below it. */
export const circleLimit = 12;

/** The name that the underlay's switch has among the boxes; no host can be called so. */
export const switchId = ' switch';

export const switchSize = { width: 208, height: 72 };

const hostWidth = 256;
const chipHeight = 26;
const headHeight = 84;

/** Pods beyond this many are only counted on a host's card. */
export const podsShown = 10;

/** How many columns the pods of a host are written in: with names and addresses in one, only names in two. */
export const podColumns = (pods: number): 1 | 2 => (pods <= 4 ? 1 : 2);

/** Size of a host's card, which depends on how many pods it shows. */
export function hostSize(pods: number): { width: number; height: number } {
  const rows = Math.ceil(Math.min(pods, podsShown) / podColumns(pods)) + (pods > podsShown ? 1 : 0);
  return { width: hostWidth, height: headHeight + Math.max(rows, 1) * chipHeight + 10 };
}

interface Sized {
  readonly name: string;
  readonly pods: number;
}

/** Points at equal distances along an ellipse's rim, the first at the top, or half a step aside for an even number. */
function pointsOfEllipse(count: number, across: number, down: number): Point[] {
  const fine = 720;
  const at = (turn: number): Point => ({ x: across * Math.cos(turn), y: down * Math.sin(turn) });
  const lengths = [0];
  for (let step = 1; step <= fine; step += 1) {
    const [before, here] = [at(((step - 1) / fine) * 2 * Math.PI), at((step / fine) * 2 * Math.PI)];
    lengths.push((lengths[step - 1] ?? 0) + Math.hypot(here.x - before.x, here.y - before.y));
  }
  const whole = lengths[fine] ?? 0;
  const first = whole * 0.75 + (count % 2 === 0 ? whole / count / 2 : 0);
  return Array.from({ length: count }, (_, index) => {
    const wanted = (first + (whole * index) / count) % whole;
    const step = Math.max(
      1,
      lengths.findIndex((length) => length >= wanted),
    );
    const [before, after] = [lengths[step - 1] ?? 0, lengths[step] ?? 1];
    return at(((step - 1 + (wanted - before) / (after - before)) / fine) * 2 * Math.PI);
  });
}

function aroundSwitch(hosts: readonly Sized[], aspect: number): Map<string, Box> {
  const centre: Box = { x: 0, y: 0, ...switchSize };
  // Beside the switch stand the labels of the underlay's links, which need more room than those above it.
  const room: Box = { ...centre, width: switchSize.width + 190, height: switchSize.height + 130 };
  const sizes = hosts.map(({ pods }) => hostSize(pods));
  const tallest = Math.max(0, ...sizes.map(({ height }) => height));
  for (let down = 150; ; down += 10) {
    // The whole picture, cards included, has the shape of its window.
    const across = ((2 * down + tallest) * aspect - hostWidth) / 2;
    const points = pointsOfEllipse(hosts.length, Math.min(down * 3, Math.max(across, down * 0.8)), down);
    const boxes = points.map((point, index) => ({ ...point, ...(sizes[index] ?? hostSize(1)) }));
    const clash = boxes.some(
      (box, index) => overlaps(box, room) || boxes.slice(index + 1).some((other) => overlaps(box, other, 52)),
    );
    if (clash && down < 6000) continue;
    return new Map<string, Box>([
      [switchId, centre],
      ...hosts.flatMap(({ name }, index) => {
        const box = boxes[index];
        return box === undefined ? [] : [[name, box] as const];
      }),
    ]);
  }
}

const columnGap = 36;
const rowGap = 68;
const aisle = 72;

function inRows(hosts: readonly Sized[], aspect: number): Map<string, Box> {
  const height = Math.max(...hosts.map(({ pods }) => hostSize(pods).height));
  const wanted = Math.sqrt((hosts.length * aspect * (height + rowGap)) / (hostWidth + columnGap));
  // An even number of columns leaves room for the trunk in the middle; of those close by, the one that fills its rows best.
  const even = Math.max(2, 2 * Math.round(wanted / 2));
  const empty = (columns: number) => Math.ceil(hosts.length / columns) * columns - hosts.length;
  const columns = [even, even + 2, Math.max(2, even - 2)].reduce((best, other) =>
    empty(other) < empty(best) ? other : best,
  );
  const places = new Map<string, Box>([[switchId, { x: 0, y: 0, ...switchSize }]]);
  const top = switchSize.height / 2 + rowGap;
  for (const [index, { name, pods }] of hosts.entries()) {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const side = column < columns / 2 ? -1 : 1;
    const x = (column - (columns - 1) / 2) * (hostWidth + columnGap) + (side * (aisle - columnGap)) / 2;
    places.set(name, { x, y: top + row * (height + rowGap) + height / 2, ...hostSize(pods), height });
  }
  return places;
}

/**
 * Where the switch and the hosts stand when nobody has moved them, in the order given: around the switch when they are few,
 * in rows below it when they are many. `aspect` is width through height of the window that shows them. No two overlap.
 */
export function placeHosts(hosts: readonly Sized[], aspect: number): Map<string, Box> {
  return hosts.length <= circleLimit ? aroundSwitch(hosts, aspect) : inRows(hosts, aspect);
}

export type Direction = 'left' | 'right' | 'up' | 'down';

const directions: Record<Direction, Point> = {
  left: { x: -1, y: 0 },
  right: { x: 1, y: 0 },
  up: { x: 0, y: -1 },
  down: { x: 0, y: 1 },
};

/** The place that an arrow key leads to from another: the nearest in that direction, ones straight ahead first; null at the edge. */
export function neighbourOf(
  places: ReadonlyMap<string, Point>,
  from: string,
  direction: Direction,
): string | null {
  const start = places.get(from);
  if (start === undefined) return places.keys().next().value ?? null;
  const heading = directions[direction];
  let best: { name: string; cost: number } | null = null;
  for (const [name, { x, y }] of places) {
    const [across, down] = [x - start.x, y - start.y];
    const ahead = across * heading.x + down * heading.y;
    const aside = Math.abs(across * heading.y) + Math.abs(down * heading.x);
    if (name === from || ahead < 1 || aside > ahead * 2.5) continue;
    const cost = ahead + aside * 2;
    if (best === null || cost < best.cost) best = { name, cost };
  }
  return best?.name ?? null;
}
