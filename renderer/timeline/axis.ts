/** A stretch of time in Unix ms. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** What the time axis shows: the last `span` ms up to now (`all`: since the beginning), or a stretch that stands still. */
export type Range =
  | { readonly kind: 'following'; readonly span: number | 'all' }
  | { readonly kind: 'fixed'; readonly from: number; readonly to: number };

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const shortest = 2 * second;
const longest = 60 * day;

/** The stretch that a range shows at a moment; `first` is when the earliest entry happened. Now has a little room at the right. */
export function windowOf(range: Range, now: number, first: number | null): Window {
  if (range.kind === 'fixed') return { from: range.from, to: range.to };
  const span = range.span === 'all' ? Math.max(minute, now - (first ?? now) + second) : range.span;
  return { from: now - span, to: now + span * 0.03 };
}

export const toX = ({ from, to }: Window, width: number, moment: number): number =>
  ((moment - from) / (to - from)) * width;

export const toMoment = ({ from, to }: Window, width: number, x: number): number =>
  from + (x / width) * (to - from);

/** Shows `factor` times as much, with `around` staying where it is. */
export function zoom({ from, to }: Window, factor: number, around: number): Window {
  const span = Math.min(longest, Math.max(shortest, (to - from) * factor));
  const share = (around - from) / (to - from);
  return { from: around - span * share, to: around + span * (1 - share) };
}

export const pan = ({ from, to }: Window, by: number): Window => ({ from: from + by, to: to + by });

const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 28, 56].map((count) => count * day),
];

/** Round moments of the reader's own clock, at least `apart` pixels from each other; `step` is the ms between them. */
export function ticks(
  window: Window,
  width: number,
  apart = 96,
  zoneOffset = new Date(window.from).getTimezoneOffset() * minute,
): { readonly step: number; readonly moments: readonly number[] } {
  const least = ((window.to - window.from) / Math.max(1, width)) * apart;
  const step = steps.find((candidate) => candidate >= least) ?? 56 * day;
  const first = Math.ceil((window.from - zoneOffset) / step) * step + zoneOffset;
  const moments: number[] = [];
  for (let moment = first; moment <= window.to; moment += step) moments.push(moment);
  return { step, moments };
}

const clock = { hour12: false, hour: '2-digit', minute: '2-digit' } as const;
const byDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const byMinute = new Intl.DateTimeFormat(undefined, clock);
const bySecond = new Intl.DateTimeFormat(undefined, { ...clock, second: '2-digit' });

/** The words of a tick: as exact as the ticks are far apart. */
export const tickLabel = (moment: number, step: number): string =>
  (step >= day ? byDay : step >= minute ? byMinute : bySecond).format(moment);
