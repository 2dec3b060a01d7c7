import stringWidth from 'string-width';

/** What a piece of text means; the painter decides how that looks. */
export type Tone = 'plain' | 'dim' | 'strong' | 'good' | 'bad' | 'caution' | 'accent';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of output before it has colours. */
export type Line = readonly Span[];

export const span = (text: string, tone: Tone = 'plain'): Span => ({ text, tone });
export const line = (...parts: readonly (Span | string)[]): Line =>
  parts.map((part) => (typeof part === 'string' ? span(part) : part));

/** Columns that a terminal gives to a text; its colours take none. */
export const widthOf = (text: string): number => stringWidth(text);
export const lineWidth = (parts: Line): number => parts.reduce((sum, { text }) => sum + widthOf(text), 0);

/**
 * Text of others (file names, output of hosts) as one line that is safe in a terminal: no control, format, bidirectional
 * or separator characters.
 */
export const harmless = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '');

/** Shortens a text to so many columns; the cut is shown by an ellipsis. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return '';
  let kept = '';
  let used = 0;
  for (const character of text) {
    const columns = widthOf(character);
    if (used + columns > width - 1) break;
    kept += character;
    used += columns;
  }
  return `${kept}…`;
}

/** Shortens a line to so many columns. */
export function clipLine(parts: Line, width: number): Line {
  if (lineWidth(parts) <= width) return parts;
  const kept: Span[] = [];
  let left = width;
  for (const part of parts) {
    const columns = widthOf(part.text);
    if (columns >= left) {
      kept.push({ ...part, text: clip(columns === left ? `${part.text} ` : part.text, left) });
      return kept;
    }
    kept.push(part);
    left -= columns;
  }
  return kept;
}

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - widthOf(text)));
export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - widthOf(text))) + text;

/** Puts the second line at the right edge; the first one yields when both do not fit. */
export function spread(left: Line, right: Line, width: number): Line {
  const own = lineWidth(right);
  if (own + 2 >= width) return clipLine(left, width);
  const room = width - own;
  const clipped = clipLine(left, room - 2);
  return [...clipped, span(' '.repeat(room - lineWidth(clipped))), ...right];
}

const asciiOf: Record<string, string> = {
  '✓': '+',
  '✗': 'x',
  '●': '*',
  '○': 'o',
  '·': '-',
  '—': '-',
  '–': '-',
  '…': '.',
  '→': '>',
  '↓': 'v',
  '×': 'x',
  '│': '|',
  '└': '`',
  '├': '|',
  '─': '-',
  µ: 'u',
  '“': '"',
  '”': '"',
  '‘': "'",
  '’': "'",
};
const spinnerAscii = '|/-\\';

/** The same text, column for column, for a terminal whose locale is not UTF-8. */
export const toAscii = (text: string): string =>
  text.replace(/\P{ASCII}/gu, (character) => {
    const turn = spinnerFrames.indexOf(character);
    if (turn >= 0) return spinnerAscii[turn % spinnerAscii.length] ?? '|';
    return asciiOf[character] ?? '?'.repeat(widthOf(character));
  });

const spinnerFrames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';

/** The spinner as it looks at a time in milliseconds. */
export const spinner = (now: number): string =>
  spinnerFrames[Math.floor(now / 80) % spinnerFrames.length] ?? '⠋';

/** Seconds with as many digits as they deserve: 0.21 s, 12.3 s, 2 min 5 s. */
export function duration(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** How long ago a moment is, in words. */
export const ago = (at: string, now: number): string => {
  const seconds = (now - Date.parse(at)) / 1000;
  return seconds < 1 ? 'just now' : `${duration(seconds).replace(/\.\d/, '')} ago`;
};

/** `1 host`, `3 hosts`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
