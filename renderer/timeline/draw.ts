import type { HistoryEntry } from '../../contract/history.ts';
import { tickLabel, ticks, toX, type Window } from './axis.ts';
import { type Cluster, clusterEntries } from './cluster.ts';
import type { RedSpan } from './intervals.ts';

/** One line of the timeline with its own entries, in order of time. */
export interface Lane {
  readonly name: string;
  readonly history: readonly HistoryEntry[];
  readonly red: readonly RedSpan[];
}

/** Everything that a picture of time is made of; sizes are in CSS pixels. */
export interface Scene {
  readonly lanes: readonly Lane[];
  readonly window: Window;
  readonly now: number;
  readonly cursor: number | null;
  readonly width: number;
  readonly height: number;
  /** Width of the column with the lanes' names; 0 for none. */
  readonly margin: number;
  readonly axisHeight: number;
  /** Pixels of a rem, so that the picture grows with the text. */
  readonly unit: number;
  /** The lane and the mark under the pointer. */
  readonly pointed: { readonly lane: number; readonly first: number } | null;
}

export type Palette = Record<
  | 'line'
  | 'lineStrong'
  | 'text'
  | 'soft'
  | 'faint'
  | 'surface'
  | 'accent'
  | 'onAccent'
  | 'stale'
  | 'good'
  | 'warning'
  | 'bad'
  | 'badTint'
  | 'font',
  string
>;

const tokens: Record<keyof Palette, string> = {
  line: '--line',
  lineStrong: '--line-strong',
  text: '--text',
  soft: '--text-soft',
  faint: '--text-faint',
  surface: '--surface',
  accent: '--accent',
  onAccent: '--on-accent',
  stale: '--stale',
  good: '--good-mark',
  warning: '--warning-mark',
  bad: '--bad-mark',
  badTint: '--bad-tint',
  font: '--sans',
};

/** The colours of the theme as an element has them. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const of = (name: keyof Palette) => style.getPropertyValue(tokens[name]).trim();
  return {
    line: of('line'),
    lineStrong: of('lineStrong'),
    text: of('text'),
    soft: of('soft'),
    faint: of('faint'),
    surface: of('surface'),
    accent: of('accent'),
    onAccent: of('onAccent'),
    stale: of('stale'),
    good: of('good'),
    warning: of('warning'),
    bad: of('bad'),
    badTint: of('badTint'),
    font: of('font'),
  };
}

const colourOf: Record<HistoryEntry['level'], keyof Palette> = {
  neutral: 'stale',
  good: 'good',
  warning: 'warning',
  bad: 'bad',
};

/** Each level has a shape of its own: ring, disc, triangle, and a square on its corner. */
function mark(
  pen: CanvasRenderingContext2D,
  level: HistoryEntry['level'],
  x: number,
  y: number,
  size: number,
): void {
  pen.beginPath();
  switch (level) {
    case 'neutral':
      pen.arc(x, y, size * 0.8, 0, Math.PI * 2);
      pen.lineWidth = size * 0.4;
      pen.stroke();
      return;
    case 'good':
      pen.arc(x, y, size, 0, Math.PI * 2);
      break;
    case 'warning':
      pen.moveTo(x, y - size * 1.15);
      pen.lineTo(x + size * 1.2, y + size * 0.9);
      pen.lineTo(x - size * 1.2, y + size * 0.9);
      break;
    case 'bad':
      pen.moveTo(x, y - size * 1.3);
      pen.lineTo(x + size * 1.3, y);
      pen.lineTo(x, y + size * 1.3);
      pen.lineTo(x - size * 1.3, y);
      break;
  }
  pen.fill();
}

/** Where a lane's line is. */
const laneY = (
  { lanes, height, axisHeight }: Pick<Scene, 'lanes' | 'height' | 'axisHeight'>,
  lane: number,
): number => ((height - axisHeight) / Math.max(1, lanes.length)) * (lane + 0.5);

/** The stretch of pixels that time takes. */
export const timeWidth = ({ width, margin }: Pick<Scene, 'width' | 'margin'>): number =>
  Math.max(1, width - margin);

function drawAxis(pen: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  const { window, height, axisHeight, margin, unit } = scene;
  const width = timeWidth(scene);
  const { step, moments } = ticks(window, width, 6 * unit);
  const cursorX = scene.cursor === null ? null : margin + toX(window, width, scene.cursor);
  pen.font = `500 ${0.69 * unit}px ${palette.font}`;
  pen.textBaseline = 'middle';
  pen.textAlign = 'center';
  for (const moment of moments) {
    const x = Math.round(margin + toX(window, width, moment)) + 0.5;
    pen.strokeStyle = palette.line;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, height - axisHeight);
    pen.stroke();
    const label = tickLabel(moment, step);
    const half = pen.measureText(label).width / 2;
    if (x - half < margin || x + half > margin + width) continue;
    if (cursorX !== null && Math.abs(x - cursorX) < half + 2.6 * unit) continue;
    pen.fillStyle = palette.faint;
    pen.fillText(label, x, height - axisHeight / 2);
  }
}

function drawLane(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  palette: Palette,
  index: number,
): readonly Cluster[] {
  const { lanes, window, now, margin, unit, pointed } = scene;
  const lane = lanes[index];
  if (lane === undefined) return [];
  const width = timeWidth(scene);
  const y = Math.round(laneY(scene, index));
  const at = (moment: number) => margin + toX(window, width, moment);
  pen.strokeStyle = palette.line;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(margin, y + 0.5);
  pen.lineTo(margin + width, y + 0.5);
  pen.stroke();
  for (const { from, to } of lane.red) {
    const start = Math.max(margin, at(from));
    const end = Math.min(margin + width, at(to ?? now));
    if (end <= margin || start >= margin + width) continue;
    const thick = 0.34 * unit;
    pen.globalAlpha = 0.42;
    pen.fillStyle = palette.bad;
    pen.fillRect(start, y - thick / 2, Math.max(2, end - start), thick);
    pen.globalAlpha = 1;
  }
  const clusters = clusterEntries(lane.history, window, width, 1.3 * unit);
  for (const { x, first, last, level } of clusters) {
    const colour = palette[colourOf[level]];
    const many = last - first + 1;
    const lit = pointed?.lane === index && pointed.first === first;
    pen.fillStyle = colour;
    pen.strokeStyle = colour;
    if (many === 1) {
      mark(pen, level, margin + x, y, (lit ? 0.34 : 0.27) * unit);
      continue;
    }
    const label = many < 100 ? String(many) : '99+';
    pen.font = `650 ${0.62 * unit}px ${palette.font}`;
    const half = Math.max(0.5 * unit, pen.measureText(label).width / 2 + 0.22 * unit);
    const tall = (lit ? 0.58 : 0.5) * unit;
    pen.beginPath();
    pen.roundRect(margin + x - half, y - tall, half * 2, tall * 2, level === 'bad' ? 0.2 * unit : tall);
    pen.fillStyle = palette.surface;
    pen.fill();
    pen.lineWidth = lit ? 2.5 : 1.5;
    pen.stroke();
    pen.fillStyle = palette.text;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.fillText(label, margin + x, y + 0.5);
  }
  return clusters;
}

function drawNames(pen: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  const { lanes, margin, unit, height } = scene;
  if (margin === 0) return;
  pen.fillStyle = palette.surface;
  pen.fillRect(0, 0, margin, height);
  pen.font = `500 ${0.78 * unit}px ${palette.font}`;
  pen.textAlign = 'left';
  pen.textBaseline = 'middle';
  pen.fillStyle = palette.soft;
  for (const [index, { name }] of lanes.entries())
    pen.fillText(name, unit, laneY(scene, index), margin - 1.2 * unit);
}

function drawMoment(
  pen: CanvasRenderingContext2D,
  scene: Scene,
  palette: Palette,
  moment: number,
  kind: 'now' | 'cursor',
): void {
  const { window, height, axisHeight, margin, unit } = scene;
  const width = timeWidth(scene);
  const x = Math.round(margin + toX(window, width, moment)) + 0.5;
  if (x < margin || x > margin + width) return;
  pen.lineWidth = kind === 'cursor' ? 2 : 1;
  pen.strokeStyle = kind === 'cursor' ? palette.accent : palette.lineStrong;
  pen.setLineDash(kind === 'now' ? [3, 3] : []);
  pen.beginPath();
  pen.moveTo(x, 0);
  pen.lineTo(x, height - axisHeight);
  pen.stroke();
  pen.setLineDash([]);
  if (kind === 'now') return;
  const label = tickLabel(moment, 1);
  pen.font = `600 ${0.69 * unit}px ${palette.font}`;
  const half = pen.measureText(label).width / 2 + 0.4 * unit;
  const centre = Math.min(Math.max(x, margin + half), margin + width - half);
  pen.fillStyle = palette.accent;
  pen.beginPath();
  pen.roundRect(centre - half, height - axisHeight, half * 2, axisHeight - 1, 4);
  pen.fill();
  pen.fillStyle = palette.onAccent;
  pen.textAlign = 'center';
  pen.textBaseline = 'middle';
  pen.fillText(label, centre, height - axisHeight / 2);
}

/** Draws all of it, and returns the marks of each lane, for what points at them. */
export function draw(
  canvas: HTMLCanvasElement,
  scene: Scene,
  palette: Palette,
): readonly (readonly Cluster[])[] {
  const pen = canvas.getContext('2d');
  if (pen === null || scene.width === 0) return [];
  const ratio = globalThis.devicePixelRatio || 1;
  const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, scene.width, scene.height);
  drawAxis(pen, scene, palette);
  drawMoment(pen, scene, palette, scene.now, 'now');
  const clusters = scene.lanes.map((_, index) => drawLane(pen, scene, palette, index));
  drawNames(pen, scene, palette);
  if (scene.cursor !== null) drawMoment(pen, scene, palette, scene.cursor, 'cursor');
  return clusters;
}

/** The mark nearest to a point, if there is one within reach. */
export function markAt(
  scene: Scene,
  clusters: readonly (readonly Cluster[])[],
  x: number,
  y: number,
): { readonly lane: number; readonly cluster: Cluster } | null {
  let best: { lane: number; cluster: Cluster } | null = null;
  let least = 0.75 * scene.unit;
  for (const [lane, own] of clusters.entries()) {
    if (Math.abs(laneY(scene, lane) - y) > 0.8 * scene.unit) continue;
    for (const cluster of own) {
      const distance = Math.abs(scene.margin + cluster.x - x);
      if (distance >= least) continue;
      least = distance;
      best = { lane, cluster };
    }
  }
  return best;
}
