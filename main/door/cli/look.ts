import picocolors from 'picocolors';
import { type Line, type Tone, toAscii } from './text.ts';

/** How a stream wants its text. `live`: lines can be redrawn in place. */
export interface Look {
  readonly color: boolean;
  readonly unicode: boolean;
  readonly live: boolean;
}

/** What this environment and stream can show (no-color.org, locale(7)). */
export function lookOf(environment: NodeJS.ProcessEnv, stream: { readonly isTTY?: boolean }): Look {
  const terminal = stream.isTTY === true && environment['TERM'] !== 'dumb';
  const refused = (environment['NO_COLOR'] ?? '') !== '';
  const forced = !['', '0', undefined].includes(environment['FORCE_COLOR']);
  const locale = environment['LC_ALL'] || environment['LC_CTYPE'] || environment['LANG'] || '';
  return {
    color: !refused && (terminal || forced),
    unicode: /utf-?8/i.test(locale),
    live: terminal && (environment['CI'] ?? '') === '',
  };
}

/** Turns lines into text for a stream, without the last line break. */
export function paint(lines: readonly Line[], look: Look): string {
  const colors = picocolors.createColors(look.color);
  const styles: Record<Tone, (text: string) => string> = {
    plain: (text) => text,
    dim: colors.dim,
    strong: colors.bold,
    good: colors.green,
    bad: (text) => colors.bold(colors.red(text)),
    caution: colors.yellow,
    accent: colors.cyan,
  };
  const text = lines
    .map((parts) =>
      parts
        .map((part) => (part.text === '' ? '' : styles[part.tone](part.text)))
        .join('')
        .trimEnd(),
    )
    .join('\n');
  return look.unicode ? text : toAscii(text);
}
