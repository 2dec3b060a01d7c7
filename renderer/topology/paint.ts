import type { Health } from '../stream/verdict.ts';
import type { Colours } from '../ui/chart-theme.ts';
import { type Box, boundsOf, overlaps, type Path, pointOf, visiblePart } from './geometry.ts';
import type { Layer, Link } from './links.ts';
import { speedOf, widthOf } from './traffic.ts';

/** A link with its way through the picture. */
export interface DrawnLink {
  readonly link: Link;
  readonly path: Path;
}

export interface Scene {
  readonly links: readonly DrawnLink[];
  readonly boxes: ReadonlyMap<string, Box>;
  /** Boxes that labels keep off. */
  readonly hosts: readonly Box[];
  readonly hub: Box | null;
  /** Whether links glow, which helps only while they are few. */
  readonly glow: boolean;
  /** Too many hosts for all their links: a faint common ground joins them, and nothing moves. */
  readonly crowd: boolean;
}

export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export interface Look {
  readonly colours: Colours;
  readonly font: string;
  /** How visible each layer is, 0 to 1. */
  readonly opacity: Readonly<Record<Layer, number>>;
  /** Seconds since the motion began; null for a picture that stands still. */
  readonly seconds: number | null;
}

const markOf: Record<Health, keyof Colours> = {
  good: 'goodMark',
  working: 'workingMark',
  stale: 'staleMark',
  warning: 'warningMark',
  bad: 'badMark',
};

function trace(context: CanvasRenderingContext2D, { kind, points }: Path): void {
  const [first, second, third] = points;
  if (first === undefined || second === undefined) return;
  context.moveTo(first.x, first.y);
  if (kind === 'curve' && third !== undefined) {
    context.quadraticCurveTo(second.x, second.y, third.x, third.y);
    return;
  }
  for (const [index, point] of points.slice(1, -1).entries()) {
    const next = points[index + 2] ?? point;
    context.arcTo(point.x, point.y, next.x, next.y, 14);
  }
  const last = points.at(-1) ?? second;
  context.lineTo(last.x, last.y);
}

type Emphasis = 'none' | 'strong' | 'weak';

/** Links that look alike, drawn with one stroke: of many rails each pixel is then painted once. */
interface Batch {
  readonly link: Link;
  readonly emphasis: Emphasis;
  readonly width: number;
  readonly paths: Path[];
}

/** Links in the order of drawing. In a crowd those of the same look are one batch, with widths in steps. */
function batchesOf(scene: Scene): Batch[] {
  const anyFocus = scene.links.some(({ link }) => link.focused);
  const emphasisOf = (link: Link): Emphasis =>
    link.focused ? 'strong' : anyFocus && link.health === 'good' ? 'weak' : 'none';
  const ordered = [...scene.links].sort((one, other) => rankOf(one.link) - rankOf(other.link));
  if (!scene.crowd)
    return ordered.map(({ link, path }) => ({
      link,
      emphasis: emphasisOf(link),
      width: widthOf(link.flow),
      paths: [path],
    }));
  const batches = new Map<string, Batch>();
  for (const { link, path } of ordered) {
    const emphasis = emphasisOf(link);
    const width = Math.ceil(widthOf(link.flow) / 2) * 2;
    const key = `${rankOf(link)} ${link.health} ${link.lost} ${emphasis} ${width}`;
    const batch = batches.get(key);
    if (batch === undefined) batches.set(key, { link, emphasis, width, paths: [path] });
    else batch.paths.push(path);
  }
  return [...batches.values()];
}

/** Dots that run one way along the traced path. They are dashes of no length with round ends. */
function strokeDots(
  context: CanvasRenderingContext2D,
  scale: number,
  speed: number,
  seconds: number,
  forwards: boolean,
): void {
  const gap = 22 * scale;
  context.setLineDash([0, gap]);
  const offset = (seconds * speed * scale) % gap;
  context.lineDashOffset = forwards ? -offset : offset + gap / 2;
  context.stroke();
  context.setLineDash([]);
  context.lineDashOffset = 0;
}

function paintBatch(
  context: CanvasRenderingContext2D,
  { link, emphasis, width: flowWidth, paths }: Batch,
  scene: Scene,
  camera: Camera,
  look: Look,
): void {
  const opacity = look.opacity[link.layer] * (emphasis === 'weak' ? 0.28 : 1);
  if (opacity < 0.01) return;
  // Lines keep their width on the screen when one looks from afar, down to what can still be seen.
  const scale = Math.max(0.55, Math.min(1.4, camera.zoom)) / camera.zoom;
  const width = flowWidth * scale + (emphasis === 'strong' ? 1.25 * scale : 0);
  const colour = look.colours[markOf[link.health]];
  const unsure = link.lost || link.health === 'stale';
  context.beginPath();
  for (const path of paths) trace(context, path);
  context.lineCap = 'round';
  if (link.layer === 'underlay') {
    context.globalAlpha = opacity;
    context.strokeStyle = look.colours.lineStrong;
    context.lineWidth = width + 6 * scale;
    context.stroke();
  } else if (!unsure && !scene.crowd && (emphasis === 'strong' || (scene.glow && emphasis === 'none'))) {
    context.globalAlpha = opacity * 0.16;
    context.strokeStyle = colour;
    context.lineWidth = width + 8 * scale;
    context.stroke();
  }
  context.globalAlpha = opacity;
  context.strokeStyle = colour;
  context.lineWidth = width;
  if (unsure) context.setLineDash([5 * scale, 7 * scale]);
  context.stroke();
  context.setLineDash([]);
  if (look.seconds === null || scene.crowd || link.flow === null || emphasis === 'weak') return;
  context.strokeStyle = look.colours.surface;
  context.lineWidth = Math.max(2 * scale, width * 0.72);
  context.globalAlpha = opacity * 0.95;
  for (const [rate, forwards] of [
    [link.flow.out, true],
    [link.flow.back, false],
  ] as const) {
    const speed = speedOf(rate);
    if (speed > 0) strokeDots(context, scale, speed, look.seconds, forwards);
  }
}

function paintGround(context: CanvasRenderingContext2D, scene: Scene, look: Look): void {
  const bounds = boundsOf(scene.hosts, 48);
  if (bounds === null) return;
  const { x, y, width, height } = bounds;
  context.beginPath();
  context.roundRect(x - width / 2, y - height / 2, width, height, 40);
  context.globalAlpha = look.opacity.overlay * 0.4;
  context.fillStyle = look.colours.accentTint;
  context.fill();
}

const shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82];

function paintLabels(context: CanvasRenderingContext2D, scene: Scene, camera: Camera, look: Look): void {
  const scale = Math.max(0.8, Math.min(1.6, camera.zoom)) / camera.zoom;
  const sizes = [12.5, 11];
  const taken: Box[] = [...scene.hosts, ...(scene.hub === null ? [] : [scene.hub])];
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const weight = (index: number): number => (index === 0 ? 600 : 450);
  const labelled = scene.links.filter(({ link }) => link.label.length > 0 && look.opacity[link.layer] > 0.3);
  for (const { link, path } of labelled) {
    const [start, end] = [scene.boxes.get(link.from), scene.boxes.get(link.to)];
    const part = start && end ? visiblePart(path, start, end) : null;
    if (part === null) continue;
    const widths = link.label.map((text, index) => {
      context.font = `${weight(index)} ${(sizes[index] ?? 11) * scale}px ${look.font}`;
      return context.measureText(text).width;
    });
    const width = Math.max(...widths) + 16 * scale;
    const height = (link.label.length === 1 ? 22 : 37) * scale;
    const boxes = shares.map((share) => ({
      ...pointOf(path, part.from + (part.to - part.from) * share),
      width,
      height,
    }));
    const box = boxes.find((candidate) => taken.every((other) => !overlaps(candidate, other, 3 * scale)));
    // Where there is no room, no label: pointing at the link shows it.
    const place = box ?? (link.focused ? boxes[0] : undefined);
    if (place === undefined) continue;
    taken.push(place);
    context.globalAlpha = Math.min(1, look.opacity[link.layer] * 1.4);
    context.beginPath();
    context.roundRect(place.x - width / 2, place.y - height / 2, width, height, 7 * scale);
    context.fillStyle = look.colours.surface;
    context.fill();
    context.lineWidth = scale;
    context.strokeStyle = link.health === 'bad' ? look.colours.badMark : look.colours.line;
    context.stroke();
    for (const [index, text] of link.label.entries()) {
      context.font = `${weight(index)} ${(sizes[index] ?? 11) * scale}px ${look.font}`;
      context.fillStyle =
        link.health === 'bad' && index === 0
          ? look.colours.bad
          : index === 0 && !link.lost
            ? look.colours.text
            : look.colours.textSoft;
      const offset = link.label.length === 1 ? 0.5 : index === 0 ? -7.5 : 8.5;
      context.fillText(text, place.x, place.y + offset * scale);
    }
  }
}

/** Draws all links on a canvas of that size in CSS pixels, below the hosts. */
export function paint(
  context: CanvasRenderingContext2D,
  size: { readonly width: number; readonly height: number; readonly ratio: number },
  scene: Scene,
  camera: Camera,
  look: Look,
): void {
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  const zoom = camera.zoom * size.ratio;
  context.setTransform(zoom, 0, 0, zoom, camera.x * size.ratio, camera.y * size.ratio);
  if (scene.crowd) paintGround(context, scene, look);
  for (const batch of batchesOf(scene)) paintBatch(context, batch, scene, camera, look);
  paintLabels(context, scene, camera, look);
  context.globalAlpha = 1;
}

/**
 * What must not be covered is drawn last: the underlay below, where a lost host shares rails with others that are well; failing
 * overlay links above healthy ones; the focus on top.
 */
const rankOf = (link: Link): number =>
  link.layer === 'underlay'
    ? (link.lost ? 0 : 1) + (link.focused ? 5 : 0)
    : 2 + (link.health === 'bad' ? 1 : 0) + (link.focused ? 5 : 0);
