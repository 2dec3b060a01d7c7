import { useReactFlow, useStoreApi } from '@xyflow/react';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { LabState } from '../stream/state.ts';
import { useStream } from '../stream/store.ts';
import { canvasFont, readColours, watchTheme } from '../ui/chart-theme.ts';
import { detailAt, focusOf, look, useLook } from './focus.ts';
import { type Box, distanceToPath, type Point } from './geometry.ts';
import { circleLimit, switchId } from './layout.ts';
import { type Layer, type Link, linksOf, pathOf } from './links.ts';
import { type Camera, type DrawnLink, paint, type Scene } from './paint.ts';
import { type Pair, pairsOf, sickHosts } from './pairs.ts';
import styles from './topology.module.css';
import { speedOf } from './traffic.ts';

/** Under a dialog nothing moves: nobody looks there, and each frame would draw the dialog anew as well. */
const isCovered = (): boolean => document.querySelector('[aria-modal="true"]') !== null;

/** What the picture can be asked: the link at a point of the window, if there is one close by. */
export interface LinksHandle {
  readonly linkAt: (client: Point) => Link | null;
}

const opacities: Record<ReturnType<typeof useLook.getState>['shown'], Record<Layer, number>> = {
  underlay: { underlay: 1, overlay: 0 },
  both: { underlay: 0.75, overlay: 1 },
  overlay: { underlay: 0, overlay: 1 },
};

/** Links are worked out again at most this often, in ms, however much the stream tells. */
const relinkEvery = 250;
const relinkCrowdEvery = 1000;
/** A crowd of links that is moved is drawn anew this often, in ms. */
const followedEvery = 150;
const framesPerSecond = 30;
const fadeSeconds = 0.25;
/** Links glow up to this many hosts. */
const glowLimit = 6;

const isMoving = ({ flow }: Link): boolean =>
  flow !== null && (speedOf(flow.out) > 0 || speedOf(flow.back) > 0);

/** Keeps a canvas drawn from the stream, the places of the nodes and what one looks at. Returns what it can be asked and how to end it. */
function drawLinks(
  canvas: HTMLCanvasElement,
  flow: ReturnType<typeof useStoreApi>,
): { linkAt: (point: Point, reach: number) => Link | null; end: () => void } {
  const context = canvas.getContext('2d');
  const calm = window.matchMedia('(prefers-reduced-motion: reduce)');
  let colours = readColours();
  let links: readonly Link[] = [];
  let drawn: readonly DrawnLink[] = [];
  const opacity = { ...opacities[useLook.getState().shown] };
  let frame: number | null = null;
  let relinkTimer: ReturnType<typeof setTimeout> | null = null;
  let lastLinked = 0;
  let sickOf: { pairs: ReadonlyMap<string, Pair> | null; lost: string } = { pairs: null, lost: '' };
  let lastPainted = 0;
  let crowd = false;
  let painted: Camera = { x: 0, y: 0, zoom: 1 };
  let followTimer: ReturnType<typeof setTimeout> | null = null;

  const boxes = (): Map<string, Box> => {
    const known = new Map<string, Box>();
    for (const [id, node] of flow.getState().nodeLookup) {
      const [width, height] = [node.width ?? 0, node.height ?? 0];
      const { x, y } = node.internals.positionAbsolute;
      known.set(id, { x: x + width / 2, y: y + height / 2, width, height });
    }
    return known;
  };

  const repaint = (time: number): void => {
    frame = null;
    if (context === null) return;
    const { shown } = useLook.getState();
    const target = opacities[shown];
    const elapsed = Math.min(0.1, (time - lastPainted) / 1000);
    let fading = false;
    for (const layer of ['underlay', 'overlay'] as const) {
      const left = target[layer] - opacity[layer];
      const step = calm.matches ? 1 : elapsed / fadeSeconds;
      opacity[layer] = Math.abs(left) <= step ? target[layer] : opacity[layer] + Math.sign(left) * step;
      if (opacity[layer] !== target[layer]) fading = true;
    }
    const moves =
      !calm.matches &&
      !crowd &&
      links.some((link) => opacity[link.layer] > 0.05 && isMoving(link)) &&
      !isCovered();
    const waits = moves && !fading && !dirty && time - lastPainted < 1000 / framesPerSecond - 2;
    if (waits) {
      schedule();
      return;
    }
    dirty = false;
    lastPainted = time;
    const state = flow.getState();
    const places = boxes();
    const hosts = [...places].filter(([id]) => id !== switchId).map(([, box]) => box);
    crowd = hosts.length > circleLimit;
    drawn = links.flatMap((link) => {
      const path = pathOf(link, places, !crowd);
      return path === null ? [] : [{ link, path }];
    });
    const hub = places.get(switchId);
    const scene: Scene = {
      links: drawn,
      boxes: places,
      hosts,
      hub: hub ?? null,
      crowd,
      glow: hosts.length <= glowLimit,
    };
    const [x, y, zoom] = state.transform;
    painted = { x, y, zoom };
    canvas.style.transform = '';
    const presenting = document.documentElement.dataset['presenter'] === 'yes';
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [state.width, state.height];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    paint(
      context,
      { width, height, ratio },
      scene,
      { x, y, zoom },
      {
        colours,
        font: canvasFont(),
        opacity,
        seconds: moves ? (time / 1000) * (presenting ? 0.6 : 1) : null,
      },
    );
    if (fading || moves) schedule();
  };

  let dirty = true;
  const schedule = (): void => {
    frame ??= requestAnimationFrame(repaint);
  };
  const touch = (): void => {
    dirty = true;
    schedule();
  };

  // Drawing a crowd takes longer than a frame has without a GPU: what is drawn moves along, and is drawn anew a little later.
  const follow = (): void => {
    const [x, y, zoom] = flow.getState().transform;
    const scale = zoom / painted.zoom;
    canvas.style.transform = `translate(${x - painted.x * scale}px, ${y - painted.y * scale}px) scale(${scale})`;
    followTimer ??= setTimeout(() => {
      followTimer = null;
      touch();
    }, followedEvery);
  };

  const relink = (): void => {
    relinkTimer = null;
    lastLinked = Date.now();
    const { lab } = useStream.getState();
    const pairs = lab === null ? new Map<string, Pair>() : pairsOf(lab.probes);
    const lost = [...(lab?.hosts.values() ?? [])].filter(({ reach }) => reach.kind !== 'connected');
    const names = lost.map(({ name }) => name);
    if (pairs !== sickOf.pairs || names.join() !== sickOf.lost) {
      sickOf = { pairs, lost: names.join() };
      look({ sick: sickHosts(pairs.values(), new Set(names)) });
    }
    links =
      lab === null
        ? []
        : linksOf(
            {
              hosts: lab.hosts,
              samples: lab.samples,
              pairs,
              underlayMtu: lab.lab.underlay.mtu,
            },
            focusOf(useLook.getState()),
            lastLinked,
          );
    touch();
  };
  const relinkSoon = (delay: number): void => {
    relinkTimer ??= setTimeout(relink, delay);
  };

  const changes = (now: LabState | null, before: LabState | null): boolean =>
    now?.hosts !== before?.hosts || now?.samples !== before?.samples || now?.probes !== before?.probes;
  const endings = [
    useStream.subscribe((now, before) => {
      if (changes(now.lab, before.lab))
        relinkSoon(Math.max(0, lastLinked + (crowd ? relinkCrowdEvery : relinkEvery) - Date.now()));
    }),
    useLook.subscribe((now, before) => {
      const [focus, was] = [focusOf(now), focusOf(before)];
      if (focus.pair !== was.pair || [...focus.hosts].join() !== [...was.hosts].join()) relink();
      else if (now.shown !== before.shown) touch();
    }),
    flow.subscribe((now, before) => {
      if (now.transform[2] !== before.transform[2]) {
        const detail = detailAt(now.transform[2]);
        if (useLook.getState().detail !== detail) look({ detail });
      }
      if (now.width !== before.width || now.height !== before.height) touch();
      else if (now.transform !== before.transform || now.nodes !== before.nodes) {
        if (crowd) follow();
        else touch();
      }
    }),
    watchTheme(() => {
      colours = readColours();
      touch();
    }),
  ];
  calm.addEventListener('change', touch);
  // What was healthy goes stale also when nothing more is told.
  const ageing = setInterval(() => relinkSoon(0), 5000);
  look({ detail: detailAt(flow.getState().transform[2]) });
  relink();
  void document.fonts.ready.then(touch);

  return {
    linkAt: (point, reach) => {
      let best: { link: Link; far: number } | null = null;
      for (const { link, path } of drawn) {
        if (opacity[link.layer] < 0.3) continue;
        const far = distanceToPath(point, path) - (link.layer === 'overlay' ? reach / 4 : 0);
        if (far <= reach && (best === null || far < best.far)) best = { link, far };
      }
      return best?.link ?? null;
    },
    end: () => {
      for (const end of endings) end();
      calm.removeEventListener('change', touch);
      clearInterval(ageing);
      if (relinkTimer !== null) clearTimeout(relinkTimer);
      if (followTimer !== null) clearTimeout(followTimer);
      if (frame !== null) cancelAnimationFrame(frame);
    },
  };
}

/** All links of the picture on one canvas below the hosts: thousands of them cost no elements. */
export function LinksCanvas({ handle }: { handle: Ref<LinksHandle> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef<ReturnType<typeof drawLinks> | null>(null);
  const flow = useStoreApi();
  const { screenToFlowPosition, getZoom } = useReactFlow();
  useEffect(() => {
    if (canvas.current === null) return;
    const started = drawLinks(canvas.current, flow);
    drawing.current = started;
    return () => {
      drawing.current = null;
      started.end();
    };
  }, [flow]);
  useImperativeHandle(
    handle,
    () => ({
      linkAt: (client) => drawing.current?.linkAt(screenToFlowPosition(client), 9 / getZoom()) ?? null,
    }),
    [screenToFlowPosition, getZoom],
  );
  return <canvas ref={canvas} className={styles['links']} />;
}
