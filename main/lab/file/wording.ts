import { z } from 'zod';
import { type LabFile, labFile } from '../../../contract/lab.ts';
import { formatPath, type Problem } from './problem.ts';
import { nearest, suggestion } from './suggest.ts';

type Issue = z.core.$ZodIssue;

const typeWords: Record<string, string> = {
  object: 'a mapping (`key: value`)',
  record: 'a mapping (`key: value`)',
  array: 'a list (`- item`)',
  string: 'text',
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** The words for an issue that the schema has none of its own for. */
const wordIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined && issue.code !== 'unrecognized_keys') return 'is missing';
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = typeWords[issue.expected] ?? issue.expected;
      if (issue.input === null) return `has no value; it must be ${wanted}`;
      const quotable = issue.expected === 'string' && typeof issue.input !== 'object';
      return quotable ? 'must be text; put it in quotes' : `must be ${wanted}`;
    }
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    default:
      return 'is not valid here';
  }
};

/** What is at a path of a value; undefined when nothing is. */
function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, part)) return undefined;
    current = Reflect.get(current, part);
  }
  return current;
}

/** The alternatives of a schema that a value can mean: those of the same `type` where there are such. */
function alternatives(schema: z.core.JSONSchema.BaseSchema, value: unknown): z.core.JSONSchema.BaseSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (inner.length === 0) return [schema];
  const all = inner.flatMap((entry) => (typeof entry === 'boolean' ? [] : alternatives(entry, value)));
  const type = valueAt(value, ['type']);
  const same = all.filter(({ properties }) => {
    const own = properties?.['type'];
    return typeof own === 'object' && own.const === type;
  });
  return same.length > 0 ? same : all;
}

let schemaOfFile: z.core.JSONSchema.BaseSchema | undefined;

/** The keys that the schema knows at a path of a lab file. */
function knownKeys(path: readonly PropertyKey[], value: unknown): string[] {
  schemaOfFile ??= z.toJSONSchema(labFile, { io: 'input' });
  let schemas: z.core.JSONSchema.BaseSchema[] = [schemaOfFile];
  path.forEach((part, depth) => {
    const at = valueAt(value, path.slice(0, depth + 1));
    schemas = schemas.flatMap((schema) => {
      const next = typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
      return typeof next === 'object' && !Array.isArray(next) ? alternatives(next, at) : [];
    });
  });
  return schemas.flatMap(({ properties }) => Object.keys(properties ?? {}));
}

const joinWords = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

function wrongValue(path: readonly PropertyKey[], allowed: readonly unknown[], value: unknown): Problem {
  const words = allowed.map(String);
  const near = typeof value === 'string' && words.length > 1 ? nearest(value, words) : null;
  const hint = near === null ? '' : `, did you mean \`${near}\`?`;
  return { path, at: 'value', message: `\`${formatPath(path)}\` must be ${joinWords(words)}${hint}` };
}

/** Whether an alternative of a union is not even of the value's kind. */
const isMismatch = (issues: readonly Issue[]) =>
  issues.some(({ path, code }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value'));

function wordUnion(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly PropertyKey[],
  root: unknown,
): Problem[] {
  const value = valueAt(root, path);
  if ('discriminator' in issue && issue.discriminator !== undefined) {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
    if (value !== undefined) return [wrongValue(path, options, value)];
    const message = `\`${formatPath(path)}\` is missing; it must be ${joinWords(options.map(String))}`;
    return [{ path: path.slice(0, -1), at: 'value', message }];
  }
  const fitting = issue.errors.find((alternative) => !isMismatch(alternative));
  if (fitting !== undefined) return fitting.flatMap((inner) => wordOne(inner, path, root));
  const allowed = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_value' ? inner.values : []));
  return [wrongValue(path, allowed, value)];
}

function wordOne(issue: Issue, parent: readonly PropertyKey[], root: unknown): Problem[] {
  const path = [...parent, ...issue.path];
  const value = valueAt(root, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(path, root);
      const within = path.length === 0 ? '' : ` in \`${formatPath(path)}\``;
      return issue.keys.map((key) => ({
        path: [...path, key],
        at: 'key',
        message: `unknown key \`${key}\`${within}${suggestion(key, known)}`,
      }));
    }
    case 'invalid_union':
      return wordUnion(issue, path, root);
    case 'invalid_value':
      if (value !== undefined) return [wrongValue(path, issue.values, value)];
  }
  const subject = path.length === 0 ? 'a lab file' : `\`${formatPath(path)}\``;
  return [{ path, at: 'value', message: `${subject} ${issue.message}` }];
}

/** The value without the parts that have problems, so that the rest can be checked too. */
function withoutProblems(value: unknown, problems: readonly Problem[]): unknown {
  const rest: unknown = structuredClone(value);
  for (const { path } of problems) {
    const parent = valueAt(rest, path.slice(0, -1));
    const key = path.at(-1);
    if (typeof parent !== 'object' || parent === null || Array.isArray(parent) || key === undefined) continue;
    Reflect.deleteProperty(parent, key);
  }
  return rest;
}

/** The lab file, or what is wrong and, where enough is left to be checked, the file without those parts. */
export type SchemaCheck =
  | { readonly ok: true; readonly file: LabFile }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly rest: LabFile | null };

/** Checks a plain value against the schema of lab files, with each issue in an author's words. */
export function checkSchema(value: unknown): SchemaCheck {
  const parsed = labFile.safeParse(value, { error: wordIssue });
  if (parsed.success) return { ok: true, file: parsed.data };
  const problems = parsed.error.issues.flatMap((issue) => wordOne(issue, [], value));
  const rest = labFile.safeParse(withoutProblems(value, problems));
  return { ok: false, problems, rest: rest.data ?? null };
}
