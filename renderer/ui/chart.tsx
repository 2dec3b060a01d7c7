import 'uplot/dist/uPlot.min.css';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import styles from './chart.module.css';
import { type Colours, canvasFont, readColours, watchTheme } from './chart-theme.ts';
import { formatTime } from './format.ts';

export interface ChartLine {
  readonly label: string;
  readonly colour: keyof Colours;
  readonly values: readonly (number | null)[];
}

/** Charts of the same group share one pointer. */
const pointers = uPlot.sync('flatland');

/** What is drawn beside the data; read while drawing, so that it never asks for a new chart. */
interface Beside {
  from: number;
  to: number;
  marker: number | null;
  colours: Colours;
}

const rem = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

/** How moments of an axis (Unix seconds) are written: with seconds only where they tell them apart. */
function timeTexts(moments: readonly number[]): (moment: number) => string {
  const whole = moments.every((moment) => moment % 60 === 0);
  return (moment) => formatTime(moment * 1000).slice(0, whole ? 5 : 8);
}

function optionsOf(
  lines: readonly Omit<ChartLine, 'values'>[],
  beside: Beside,
  height: number,
  format: (value: number) => string,
  top: number | undefined,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const { colours } = beside;
  const font = `${0.69 * rem()}px ${canvasFont()}`;
  const axis = {
    stroke: colours.textFaint,
    font,
    ticks: { show: false },
    grid: { stroke: colours.line, width: 1 },
  };
  return {
    width: 300,
    height,
    legend: { show: false },
    padding: [8, 16, 0, 0],
    cursor: {
      sync: { key: pointers.key, setSeries: false },
      drag: { x: false, y: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: true, range: () => [beside.from / 1000, beside.to / 1000] },
      y: { range: (_, __, most) => [0, Math.max(top ?? 0, (most || 1) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 1.5 * rem(),
        space: 3.4 * rem(),
        values: (_, moments) => moments.map(timeTexts(moments)),
      },
      {
        ...axis,
        size: 4.4 * rem(),
        space: 26,
        gap: 4,
        values: (_, values) => values.map((value) => format(value)),
      },
    ],
    series: [
      {},
      ...lines.map(({ label, colour }) => ({
        label,
        stroke: colours[colour],
        width: 1.6,
        fill: `${colours[colour]}1c`,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: {
      setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)],
      draw: [
        ({ ctx, bbox, valToPos }) => {
          if (beside.marker === null) return;
          const x = Math.round(valToPos(beside.marker / 1000, 'x', true));
          if (x < bbox.left || x > bbox.left + bbox.width) return;
          ctx.save();
          ctx.strokeStyle = colours.accent;
          ctx.lineWidth = Math.max(1, 1.5 * devicePixelRatio);
          ctx.beginPath();
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bbox.top + bbox.height);
          ctx.stroke();
          ctx.restore();
        },
      ],
    },
  };
}

function nearestIndex(times: readonly number[], moment: number): number | null {
  let best: number | null = null;
  for (const [index, time] of times.entries()) if (time <= moment / 1000) best = index;
  return best;
}

/**
 * Lines over time. `times` are Unix seconds, `from`, `to` and `marker` Unix ms; `top` is the least value that the axis reaches to. The legend has the values
 * under the pointer, else at the marker, else the latest. A click picks a moment.
 */
export function Chart({
  title,
  times,
  lines,
  from,
  to,
  marker,
  format,
  top,
  height = 128,
  stale = false,
  onPick,
}: {
  title: string;
  times: readonly number[];
  lines: readonly ChartLine[];
  from: number;
  to: number;
  marker: number | null;
  format: (value: number) => string;
  top?: number | undefined;
  height?: number;
  stale?: boolean;
  onPick: (moment: number) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const beside = useRef<Beside>({ from, to, marker, colours: readColours() });
  const [pointed, setPointed] = useState<number | null>(null);
  const [scheme, setScheme] = useState(0);
  const latest = useRef({ times, lines, format, onPick });
  useLayoutEffect(() => {
    latest.current = { times, lines, format, onPick };
  });
  const kinds = lines.map(({ label, colour }) => `${label} ${colour}`).join();

  useEffect(() => watchTheme(() => setScheme((count) => count + 1)), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `kinds` and `scheme` stand for what the chart is made of.
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    beside.current.colours = readColours();
    const { lines: current, times: moments } = latest.current;
    const made = new uPlot(
      optionsOf(current, beside.current, height, (value) => latest.current.format(value), top, setPointed),
      [[...moments], ...current.map(({ values }) => [...values])],
      element,
    );
    chart.current = made;
    const pick = () => {
      const { left } = made.cursor;
      if (left !== undefined && left >= 0) latest.current.onPick(Math.round(made.posToVal(left, 'x') * 1000));
    };
    made.over.addEventListener('click', pick);
    const observer = new ResizeObserver(([entry]) => {
      if (entry) made.setSize({ width: Math.max(120, Math.floor(entry.contentRect.width)), height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.over.removeEventListener('click', pick);
      made.destroy();
      chart.current = null;
    };
  }, [kinds, scheme, height, top]);

  useEffect(() => {
    Object.assign(beside.current, { from, to, marker });
    chart.current?.setData([[...times], ...lines.map(({ values }) => [...values])]);
  }, [times, lines, from, to, marker]);

  const index = pointed ?? (marker === null ? times.length - 1 : nearestIndex(times, marker));
  const textOf = ({ values }: ChartLine): string => {
    const value = index === null ? null : (values[index] ?? null);
    return value === null ? '–' : format(value);
  };
  const told = lines.map((line) => `${line.label} ${textOf(line)}`).join(', ');
  return (
    <figure className={styles['chart']} data-stale={stale}>
      <figcaption className={styles['caption']}>
        <span className={styles['title']}>{title}</span>
        {lines.map((line) => (
          <span key={line.label} className={styles['value']}>
            <i className={styles['swatch']} data-colour={line.colour} aria-hidden />
            {lines.length > 1 && <span className={styles['label']}>{line.label}</span>}
            <strong>{textOf(line)}</strong>
          </span>
        ))}
      </figcaption>
      <div ref={place} className={styles['canvas']} role="img" aria-label={`${title}: ${told}`} />
    </figure>
  );
}
