/** Lines of a log with the numbers that they were given; the oldest are forgotten. */
export interface LogLine {
  readonly number: number;
  readonly text: string;
}

export interface LogText {
  readonly lines: readonly LogLine[];
  /** What came after the last line end. */
  readonly rest: string;
  readonly next: number;
}

export const noLines: LogText = { lines: [], rest: '', next: 1 };

const escapeCharacter = '\u001b';
const bell = '\u0007';
// CSI, then OSC, DCS and their like, then two-character escapes (ECMA-48).
const escapes = new RegExp(
  `${escapeCharacter}(?:\\[[0-?]*[ -/]*[@-~]|[\\]P^_X][^${bell}${escapeCharacter}]*(?:${bell}|${escapeCharacter}\\\\)?|[ -/]*[0-~])`,
  'g',
);
const controls = /(?!\t)\p{Cc}/gu;

/** A line as it is to be read: without escape sequences, and with what a carriage return would have left to see. */
export function readable(line: string): string {
  const text = line.replaceAll(escapes, '');
  const last = text.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return last.replaceAll(controls, '');
}

/** The log with more text at its end; at most `limit` lines are kept. Pure. */
export function addText(log: LogText, text: string, limit: number): LogText {
  const parts = (log.rest + text).split('\n');
  const rest = parts.pop() ?? '';
  if (parts.length === 0) return { ...log, rest };
  const added = parts.slice(-limit).map((part, index, kept) => ({
    number: log.next + parts.length - kept.length + index,
    text: readable(part),
  }));
  const room = limit - added.length;
  const lines = room > 0 ? [...log.lines.slice(-room), ...added] : added;
  return { lines, rest, next: log.next + parts.length };
}

/** A part of a line; `hit` when it is what was searched for. */
export interface Piece {
  readonly text: string;
  readonly hit: boolean;
}

/** A line cut where the search occurs, in either case. */
export function cutAtHits(text: string, search: string): Piece[] {
  const wanted = search.toLowerCase();
  const folded = text.toLowerCase();
  // Folding may change the length of a text in rare scripts; then nothing is marked.
  if (wanted === '' || folded.length !== text.length) return [{ text, hit: false }];
  const pieces: Piece[] = [];
  let from = 0;
  for (let at = folded.indexOf(wanted); at >= 0; at = folded.indexOf(wanted, from)) {
    if (at > from) pieces.push({ text: text.slice(from, at), hit: false });
    pieces.push({ text: text.slice(at, at + wanted.length), hit: true });
    from = at + wanted.length;
  }
  if (from < text.length || pieces.length === 0) pieces.push({ text: text.slice(from), hit: false });
  return pieces;
}
