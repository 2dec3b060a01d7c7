import { useElementSize, useMergedRef } from '@mantine/hooks';
import {
  type KeyboardEvent,
  type PointerEvent,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { HistoryEntry } from '../../contract/history.ts';
import { useView } from '../app/view.ts';
import { formatTime } from '../ui/format.ts';
import { StatusIcon } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { pan, toMoment, type Window, windowOf, zoom } from './axis.ts';
import styles from './canvas.module.css';
import type { Cluster } from './cluster.ts';
import { draw, type Lane, markAt, type Palette, readPalette, type Scene, timeWidth } from './draw.ts';
import { indexAt, momentOf } from './moment.ts';
import { healthOf } from './subjects.ts';
import { lookAt, setRange, useTimelineView } from './timeline-store.ts';

/** What the pointer is doing. A drag scrubs; with Shift, or the middle button, it moves the window; two fingers zoom. */
type Gesture =
  | { readonly kind: 'press'; readonly x: number; readonly y: number }
  | { readonly kind: 'scrub' }
  | { readonly kind: 'pan'; readonly x: number; readonly window: Window }
  | { readonly kind: 'pinch'; readonly distance: number; readonly window: Window };

const dragBegins = 4;

/** The colours, read again whenever the theme changes. */
function usePalette(element: HTMLElement | null): Palette | null {
  const [palette, setPalette] = useState<Palette | null>(null);
  useEffect(() => {
    if (element === null) return;
    const read = () => setPalette(readPalette(element));
    read();
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true });
    return () => observer.disconnect();
  }, [element]);
  return palette;
}

export const fixTo = ({ from, to }: Window): void => setRange({ kind: 'fixed', from, to });

/** The stretch of time that is shown; it moves once a second while it follows now. */
export function useWindow(history: readonly HistoryEntry[]): {
  readonly window: Window;
  readonly now: number;
} {
  const range = useTimelineView((view) => view.range);
  const now = useNow();
  const first = history[0];
  const begin = first === undefined ? null : momentOf(first);
  const window = useMemo(() => windowOf(range, now, begin), [range, now, begin]);
  return { window, now };
}

/**
 * A picture of time that can be scrubbed, moved and zoomed. It is a slider for those who use keys: the value is the moment that
 * the screens show. `history` is all of it, in order of time; `lanes` share it out.
 */
export function TimeCanvas({
  label,
  history,
  lanes,
  margin,
  onEntry,
}: {
  label: string;
  history: readonly HistoryEntry[];
  lanes: readonly Lane[];
  /** Rem that the names of the lanes take; 0 for no names. */
  margin: number;
  onEntry: (entry: HistoryEntry) => void;
}) {
  const { window, now } = useWindow(history);
  const cursor = useView((view) => view.cursor);
  const { ref: sizeRef, width, height } = useElementSize();
  const { ref: remRef, width: tenRem } = useElementSize();
  const [frame, setFrame] = useState<HTMLElement | null>(null);
  const frameRef = useMergedRef(sizeRef, setFrame);
  const canvas = useRef<HTMLCanvasElement>(null);
  const palette = usePalette(frame);
  const [tip, setTip] = useState<{ lane: number; cluster: Cluster; x: number; y: number } | null>(null);
  const [panning, setPanning] = useState(false);
  const clusters = useRef<readonly (readonly Cluster[])[]>([]);
  const gesture = useRef<Gesture | null>(null);
  const fingers = useRef(new Map<number, number>());

  const unit = tenRem > 0 ? tenRem / 10 : 16;
  const scene = useMemo<Scene>(
    () => ({
      lanes,
      window,
      now,
      cursor,
      width,
      height,
      margin: margin * unit,
      axisHeight: Math.round(1.15 * unit),
      unit,
      pointed: tip === null ? null : { lane: tip.lane, first: tip.cluster.first },
    }),
    [lanes, window, now, cursor, width, height, margin, unit, tip],
  );
  useLayoutEffect(() => {
    if (canvas.current !== null && palette !== null) clusters.current = draw(canvas.current, scene, palette);
  }, [scene, palette]);

  const latest = useRef(scene);
  latest.current = scene;

  // The wheel must not scroll the page too, which React's own listener cannot prevent.
  useEffect(() => {
    if (frame === null) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { window: shown, margin: left } = latest.current;
      const size = timeWidth(latest.current);
      const x = event.clientX - frame.getBoundingClientRect().left - left;
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (sideways) {
        const by = ((event.deltaX || event.deltaY) * lines) / size;
        fixTo(pan(shown, by * (shown.to - shown.from)));
      } else {
        const strength = event.ctrlKey ? 0.01 : 0.0018;
        fixTo(zoom(shown, Math.exp(event.deltaY * lines * strength), toMoment(shown, size, Math.max(0, x))));
      }
    };
    frame.addEventListener('wheel', onWheel, { passive: false });
    return () => frame.removeEventListener('wheel', onWheel);
  }, [frame]);

  const place = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const momentAt = (x: number) =>
    toMoment(window, timeWidth(scene), Math.min(Math.max(0, x - scene.margin), timeWidth(scene)));
  const look = (x: number) => lookAt(momentAt(x));

  const onPointerDown = (event: PointerEvent) => {
    const { x, y } = place(event);
    event.currentTarget.setPointerCapture(event.pointerId);
    fingers.current.set(event.pointerId, x);
    setTip(null);
    const [one, other] = [...fingers.current.values()];
    if (one !== undefined && other !== undefined)
      gesture.current = { kind: 'pinch', distance: Math.max(10, Math.abs(one - other)), window };
    else if (event.shiftKey || event.button === 1) {
      gesture.current = { kind: 'pan', x, window };
      setPanning(true);
    } else if (event.button === 0) gesture.current = { kind: 'press', x, y };
  };

  const onPointerMove = (event: PointerEvent) => {
    const { x, y } = place(event);
    if (fingers.current.has(event.pointerId)) fingers.current.set(event.pointerId, x);
    const now = gesture.current;
    if (now === null) {
      const found = markAt(scene, clusters.current, x, y);
      setTip(found === null ? null : { ...found, x: scene.margin + found.cluster.x, y });
      return;
    }
    switch (now.kind) {
      case 'press':
        if (Math.abs(x - now.x) < dragBegins) return;
        gesture.current = { kind: 'scrub' };
        look(x);
        return;
      case 'scrub':
        look(x);
        return;
      case 'pan': {
        const by = (now.x - x) / timeWidth(scene);
        fixTo(pan(now.window, by * (now.window.to - now.window.from)));
        return;
      }
      case 'pinch': {
        const [one, other] = [...fingers.current.values()];
        if (one === undefined || other === undefined) return;
        const middle = (one + other) / 2 - scene.margin;
        const factor = now.distance / Math.max(10, Math.abs(one - other));
        fixTo(zoom(now.window, factor, toMoment(now.window, timeWidth(scene), middle)));
      }
    }
  };

  const choose = (lane: number, { first, last }: Cluster) => {
    const own = lanes[lane]?.history.slice(first, last + 1) ?? [];
    const begin = own[0];
    const end = own.at(-1);
    if (begin === undefined || end === undefined) return;
    const spread = momentOf(end) - momentOf(begin);
    if (own.length > 1 && spread > 500) {
      const middle = momentOf(begin) + spread / 2;
      fixTo({ from: middle - spread, to: middle + spread });
    } else onEntry(own.find(({ level }) => level === 'bad') ?? end);
  };

  const onPointerUp = (event: PointerEvent) => {
    const { x } = place(event);
    fingers.current.delete(event.pointerId);
    const now = gesture.current;
    gesture.current = null;
    setPanning(false);
    if (now?.kind !== 'press') return;
    const found = markAt(scene, clusters.current, now.x, now.y);
    if (found === null) look(x);
    else choose(found.lane, found.cluster);
  };

  const step = (direction: -1 | 1, far: boolean) => {
    const from = cursor ?? now;
    const by = ((window.to - window.from) / (far ? 10 : 100)) * direction;
    return from + by;
  };
  const neighbour = (direction: -1 | 1): number | null => {
    const from = cursor ?? now;
    const index = direction < 0 ? indexAt(history, from) - 1 : indexAt(history, from + 1);
    const entry = history[index];
    return entry === undefined ? null : momentOf(entry);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const around = cursor ?? now;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => lookAt(event.shiftKey ? neighbour(-1) : step(-1, false)),
      ArrowRight: () => lookAt(event.shiftKey ? neighbour(1) : step(1, false)),
      ArrowDown: () => lookAt(neighbour(-1)),
      ArrowUp: () => lookAt(neighbour(1)),
      PageDown: () => lookAt(step(-1, true)),
      PageUp: () => lookAt(step(1, true)),
      Home: () => lookAt(history[0] === undefined ? null : momentOf(history[0])),
      End: () => lookAt(null),
      '+': () => fixTo(zoom(window, 0.6, around)),
      '=': () => fixTo(zoom(window, 0.6, around)),
      '-': () => fixTo(zoom(window, 1 / 0.6, around)),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  const begin = history[0] === undefined ? window.from : momentOf(history[0]);
  return (
    <div
      ref={frameRef}
      className={styles['frame']}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={Math.floor(begin / 1000)}
      aria-valuemax={Math.floor(now / 1000)}
      aria-valuenow={Math.floor((cursor ?? now) / 1000)}
      aria-valuetext={cursor === null ? 'now' : formatTime(cursor)}
      data-on-mark={tip !== null}
      data-panning={panning}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onPointerLeave={() => setTip(null)}
      onKeyDown={onKeyDown}
    >
      <div ref={remRef} style={{ position: 'absolute', width: '10rem', height: 0, visibility: 'hidden' }} />
      <canvas ref={canvas} className={styles['canvas']} aria-hidden />
      {tip !== null && (
        <Tip entries={lanes[tip.lane]?.history ?? []} tip={tip} width={width} height={height} />
      )}
    </div>
  );
}

function Tip({
  entries,
  tip,
  width,
  height,
}: {
  entries: readonly HistoryEntry[];
  tip: { cluster: Cluster; x: number; y: number };
  width: number;
  height: number;
}) {
  const { first, last } = tip.cluster;
  const shown = entries.slice(Math.max(first, last - 5), last + 1);
  const more = last - first + 1 - shown.length;
  const side = tip.x > width / 2 ? { right: width - tip.x + 12 } : { left: tip.x + 12 };
  const edge = tip.y > height / 2 ? { bottom: height - tip.y + 10 } : { top: tip.y + 10 };
  return (
    <div className={styles['tip']} style={{ ...side, ...edge }}>
      {more > 0 && <span className={styles['more']}>{more} earlier and</span>}
      {shown.map((entry) => (
        <p key={entry.id}>
          <time>{formatTime(entry.at)}</time>
          <StatusIcon health={healthOf(entry.level)} />
          <span>{entry.title}</span>
        </p>
      ))}
    </div>
  );
}
