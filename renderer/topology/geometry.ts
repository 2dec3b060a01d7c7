/** Plane geometry of the topology. All lengths are in the picture's own pixels, before any zoom. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle by its centre. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** How a link runs: `curve` is start, control point and end of a quadratic curve, `rail` the corners of a line. */
export interface Path {
  readonly kind: 'curve' | 'rail';
  readonly points: readonly Point[];
}

const mix = (from: number, to: number, share: number): number => from + (to - from) * share;

/** The point at `share` (0 to 1) between two points. */
export const between = (from: Point, to: Point, share: number): Point => ({
  x: mix(from.x, to.x, share),
  y: mix(from.y, to.y, share),
});

export const distance = (one: Point, other: Point): number => Math.hypot(one.x - other.x, one.y - other.y);

const pointOfCurve = (points: readonly Point[], share: number): Point => {
  const [start = { x: 0, y: 0 }, control = start, end = control] = points;
  return between(between(start, control, share), between(control, end, share), share);
};

function pointOfRail(points: readonly Point[], share: number): Point {
  const lengths = points.slice(1).map((point, index) => distance(points[index] ?? point, point));
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  for (const [index, length] of lengths.entries()) {
    const [from, to] = [points[index], points[index + 1]];
    if (from === undefined || to === undefined) break;
    if (left <= length || index === lengths.length - 1)
      return between(from, to, length === 0 ? 0 : left / length);
    left -= length;
  }
  return points[0] ?? { x: 0, y: 0 };
}

/** The point of a path at `share` (0 to 1) of its way. */
export const pointOf = ({ kind, points }: Path, share: number): Point =>
  kind === 'curve' ? pointOfCurve(points, share) : pointOfRail(points, share);

export const contains = (box: Box, point: Point, margin = 0): boolean =>
  Math.abs(point.x - box.x) <= box.width / 2 + margin && Math.abs(point.y - box.y) <= box.height / 2 + margin;

export const overlaps = (one: Box, other: Box, margin = 0): boolean =>
  Math.abs(one.x - other.x) < (one.width + other.width) / 2 + margin &&
  Math.abs(one.y - other.y) < (one.height + other.height) / 2 + margin;

/** The part of a path, as shares, that neither of the boxes at its ends covers; null when they cover all of it. */
export function visiblePart(path: Path, start: Box, end: Box): { from: number; to: number } | null {
  const steps = 48;
  let from = 0;
  while (from <= steps && contains(start, pointOf(path, from / steps))) from += 1;
  let to = steps;
  while (to >= from && contains(end, pointOf(path, to / steps))) to -= 1;
  return to <= from ? null : { from: from / steps, to: to / steps };
}

function distanceToSegment(point: Point, from: Point, to: Point): number {
  const length = distance(from, to);
  if (length === 0) return distance(point, from);
  const along = ((point.x - from.x) * (to.x - from.x) + (point.y - from.y) * (to.y - from.y)) / length ** 2;
  return distance(point, between(from, to, Math.min(1, Math.max(0, along))));
}

/** How far a point is from a path. */
export function distanceToPath(point: Point, path: Path): number {
  const steps = path.kind === 'rail' ? path.points.length - 1 : 16;
  const at = (step: number): Point =>
    path.kind === 'rail' ? (path.points[step] ?? point) : pointOf(path, step / steps);
  let nearest = Number.POSITIVE_INFINITY;
  for (let step = 0; step < steps; step += 1)
    nearest = Math.min(nearest, distanceToSegment(point, at(step), at(step + 1)));
  return nearest;
}

/** The box around all boxes, larger by a margin; null when there are none. */
export function boundsOf(boxes: readonly Box[], margin: number): Box | null {
  if (boxes.length === 0) return null;
  const [left, right] = [
    Math.min(...boxes.map(({ x, width }) => x - width / 2)),
    Math.max(...boxes.map(({ x, width }) => x + width / 2)),
  ];
  const [top, bottom] = [
    Math.min(...boxes.map(({ y, height }) => y - height / 2)),
    Math.max(...boxes.map(({ y, height }) => y + height / 2)),
  ];
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    width: right - left + 2 * margin,
    height: bottom - top + 2 * margin,
  };
}
