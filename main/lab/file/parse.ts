import { type Document, isAlias, LineCounter, parseDocument, visit } from 'yaml';
import type { LabFile } from '../../../contract/lab.ts';
import type { FileProblem } from '../../../contract/request.ts';
import { failure } from '../../failure.ts';
import { checkMeaning } from './check.ts';
import { keyText, locator, positionOf, startOf } from './locate.ts';
import type { Problem } from './problem.ts';
import { checkSchema, type SchemaCheck } from './wording.ts';

const sizeLimit = 1024 * 1024;
const shownProblems = 10;
const shownLength = 240;

/** Text from a file as one line that a terminal may show: no control, format, bidirectional or separator characters. */
const printable = (text: string) => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '');

const shorten = (text: string) => (text.length > shownLength ? `${text.slice(0, shownLength)}…` : text);

/** In the order of the text. One place has one problem: what else is said about it follows from the first. */
const inOrder = (problems: readonly FileProblem[]): FileProblem[] =>
  [...problems]
    .sort((a, b) => a.line - b.line || a.column - b.column)
    .filter(({ line, column }, index, sorted) => {
      const before = sorted[index - 1];
      return before === undefined || before.line !== line || before.column !== column;
    })
    .map(({ line, column, message }) => ({ line, column, message: shorten(printable(message)) }));

const tooDeep = 'the file is nested too deeply';

const yamlMessages: Partial<Record<string, string>> = {
  MULTIPLE_DOCS: 'a lab file holds one YAML document; remove what follows the second `---`',
  NON_STRING_KEY: 'a key must be plain text',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'YAML indents with spaces, not with tabs',
};

/** yaml's own check for duplicate keys takes quadratic time, and does not say where the first one is. */
function duplicateKeys(document: Document, lines: LineCounter): FileProblem[] {
  const problems: FileProblem[] = [];
  visit(document, {
    Map(_, map) {
      const first = new Map<string, number>();
      for (const { key } of map.items) {
        const name = keyText(key);
        const { line, column } = positionOf(startOf(key) ?? 0, lines);
        const before = first.get(name);
        if (before === undefined) first.set(name, line);
        else problems.push({ line, column, message: `key \`${name}\` is on line ${before} already` });
      }
    },
  });
  return problems;
}

/** Aliases of anchors that are not written before them; yaml only finds them when it is too late to say where. */
function looseAliases(document: Document, lines: LineCounter): FileProblem[] {
  const anchors = new Set<string>();
  const problems: FileProblem[] = [];
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.add(node.anchor);
      } else if (!anchors.has(node.source)) {
        const message = `\`*${node.source}\` means nothing: there is no anchor \`&${node.source}\` before it`;
        problems.push({ ...positionOf(startOf(node) ?? 0, lines), message });
      }
    },
  });
  return problems;
}

type Reading =
  | { readonly ok: true; readonly document: Document; readonly lines: LineCounter; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly FileProblem[] };

/** Reads YAML 1.2 whose keys are all plain text. */
function readYaml(text: string): Reading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    ...positionOf(pos[0], lines),
    message: yamlMessages[code] ?? message,
  }));
  if (problems.length > 0) return { ok: false, problems };
  if (document.contents === null) {
    return { ok: false, problems: [{ line: 1, column: 1, message: 'the lab file is empty' }] };
  }
  const wrong = [...duplicateKeys(document, lines), ...looseAliases(document, lines)];
  if (wrong.length > 0) return { ok: false, problems: wrong };
  return { ok: true, document, lines, value: document.toJS({ maxAliasCount: 100 }) };
}

function readSafely(text: string): Reading {
  if (Buffer.byteLength(text) > sizeLimit) {
    const message = 'the file is too large: a lab file has at most 1 MiB';
    return { ok: false, problems: [{ line: 1, column: 1, message }] };
  }
  try {
    return readYaml(text);
  } catch (thrown) {
    // RangeError: the stack is full; ReferenceError: yaml stops a bomb of aliases.
    const message = thrown instanceof RangeError ? tooDeep : 'the file has too many aliases';
    return { ok: false, problems: [{ line: 1, column: 1, message }] };
  }
}

/** What is wrong in the sections that keep to the schema. */
function otherProblems({ problems, rest }: Extract<SchemaCheck, { ok: false }>): Problem[] {
  const unsound = new Set(problems.map(({ path }) => path[0]));
  return rest === null ? [] : checkMeaning(rest).filter(({ path }) => !unsound.has(path[0]));
}

/** A lab file that is right, or all that is wrong in it, in the order of the text. */
export type LabFileReading =
  | { readonly kind: 'file'; readonly file: LabFile }
  | { readonly kind: 'problems'; readonly problems: readonly FileProblem[] };

/** Reads the text of a lab file (YAML 1.2, at most 1 MiB) and fills in its defaults. Pure; never throws. */
export function readLabFile(text: string): LabFileReading {
  const reading = readSafely(text);
  if (!reading.ok) return { kind: 'problems', problems: inOrder(reading.problems) };
  const { document, lines, value } = reading;
  const check = checkSchema(value);
  const problems = check.ok ? checkMeaning(check.file) : [...check.problems, ...otherProblems(check)];
  if (check.ok && problems.length === 0) return { kind: 'file', file: check.file };
  const locate = locator(document, lines);
  const placed = problems.map((problem) => ({ ...locate(problem), message: problem.message }));
  return { kind: 'problems', problems: inOrder(placed) };
}

/**
 * The lab file of a text, where anything else is a failure. `path` is only shown. Throws `lab-file-invalid`, whose message
 * has one line `path:line:column: what is wrong` for each problem, ten at most.
 */
export function parseLabFile(path: string, text: string): LabFile {
  const reading = readLabFile(text);
  if (reading.kind === 'file') return reading.file;
  const lines = reading.problems.map(
    ({ line, column, message }) => `${printable(path)}:${line}:${column}: ${message}`,
  );
  const more = lines.length - shownProblems;
  const shown = lines.slice(0, shownProblems);
  throw failure('lab-file-invalid', [...shown, ...(more > 0 ? [`… and ${more} more`] : [])].join('\n'));
}
