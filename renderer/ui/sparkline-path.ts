/** A value at a moment (Unix time in ms); null where there is none. */
export interface TimedValue {
  readonly at: number;
  readonly value: number | null;
}

/** The window that a line is drawn in: moments `from` to `to`, values 0 to `top`, on a surface of that many pixels. */
export interface SparklineFrame {
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Longer than this, in ms, without a value is a gap in the line, not a slope. */
const longestStep = 15_000;

/** The largest value, or null when there is none. */
export const largest = (points: readonly TimedValue[]): number | null =>
  points.reduce<number | null>(
    (most, { value }) => (value !== null && (most === null || value > most) ? value : most),
    null,
  );

/** The parts of a line between its gaps. */
function partsOf(points: readonly TimedValue[]): { at: number; value: number }[][] {
  const parts: { at: number; value: number }[][] = [];
  let part: { at: number; value: number }[] = [];
  const close = () => {
    if (part.length > 0) parts.push(part);
    part = [];
  };
  for (const { at, value } of points) {
    const last = part.at(-1);
    if (value === null || (last !== undefined && at - last.at > longestStep)) close();
    if (value !== null) part.push({ at, value });
  }
  close();
  return parts;
}

/** SVG paths of a line and of the area below it, with a gap where values are missing. Pure. */
export function sparklinePaths(
  points: readonly TimedValue[],
  frame: SparklineFrame,
): { line: string; area: string } {
  const span = Math.max(1, frame.to - frame.from);
  const x = (at: number): string => (((at - frame.from) / span) * frame.width).toFixed(1);
  const y = (value: number): string =>
    (frame.height - (Math.min(value, frame.top) / Math.max(frame.top, 1e-9)) * frame.height).toFixed(1);
  let [line, area] = ['', ''];
  for (const part of partsOf(points)) {
    const [first, last] = [part[0], part.at(-1)];
    if (first === undefined || last === undefined) continue;
    const way = part.map(({ at, value }) => `${x(at)} ${y(value)}`).join('L');
    // A lone value is a dot: a line of no length with round ends.
    line += part.length === 1 ? `M${way}h0` : `M${way}`;
    area += `M${x(first.at)} ${frame.height}L${way}L${x(last.at)} ${frame.height}Z`;
  }
  return { line, area };
}
