import type { FlatlandError } from '../../../contract/error.ts';
import { drawError, errorLine } from './complaint.ts';
import { type Look, lookOf, paint } from './look.ts';
import { type Line, line, span, type Tone } from './text.ts';

/** What a command has of the place where it was called. */
export interface Terminal {
  readonly out: Look;
  readonly err: Look;
  readonly json: boolean;
  size(): { readonly columns: number; readonly rows: number };
  columns(): number;
  rows(): number;
  print(lines: readonly Line[]): void;
  /** Text for standard output in a tone. */
  style(text: string, tone: Tone): string;
  /** Writes text as it is, such as control sequences. */
  write(text: string): void;
  /** Writes a value as one line of JSON. */
  printJson(value: unknown): void;
  /** Writes lines that are no result, such as errors and what to do next. */
  say(lines: readonly Line[]): void;
  /** Shows an error as people or programs want it, and returns its exit code. */
  complain(error: FlatlandError): Promise<number>;
}

/** The terminal of this process. */
export function openTerminal(environment: NodeJS.ProcessEnv, json: boolean): Terminal {
  const { stdout, stderr } = process;
  const out = lookOf(environment, stdout);
  const err = lookOf(environment, stderr);
  const terminal: Terminal = {
    out,
    err,
    json,
    size() {
      // Asked each time: the signal that a terminal was resized comes late.
      const [columns, rows] = stdout.isTTY ? stdout.getWindowSize() : [0, 0];
      return { columns: columns || Number(environment['COLUMNS']) || 100, rows: rows || 24 };
    },
    columns: () => terminal.size().columns,
    rows: () => terminal.size().rows,
    style: (text, tone) => paint([line(span(text, tone))], out),
    print: (lines) => stdout.write(`${paint(lines, out)}\n`),
    write: (text) => stdout.write(text),
    printJson: (value) => stdout.write(`${JSON.stringify(value)}\n`),
    say: (lines) => stderr.write(`${paint(lines, err)}\n`),
    async complain(error) {
      if (json) stdout.write(`${errorLine(error)}\n`);
      else terminal.say(drawError(error));
      const { errorCatalogue } = await import('../../../contract/error.ts');
      return errorCatalogue[error.code].exit;
    },
  };
  return terminal;
}

/** Shows anything that was thrown, and keeps its causes in the log. */
export async function complainOf(
  terminal: Terminal,
  thrown: unknown,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const { toFlatlandError } = await import('../../failure.ts');
  const error = toFlatlandError(thrown);
  if (error.code !== 'cancelled') {
    const { causeChain, writeJournal } = await import('./journal.ts');
    const chain = causeChain(thrown);
    writeJournal(`${error.code}: ${chain}`, environment);
    if ((environment['FLATLAND_DEBUG'] ?? '') !== '') process.stderr.write(`${chain}\n`);
  }
  return terminal.complain(error);
}
