import { z } from 'zod';

export type Decoded<T> =
  | { readonly kind: 'decoded'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: string };

const anyObject = z.record(z.string(), z.unknown());

/** Deeper than anything that flannel knows; what is nested by tens of thousands could not even be written again. */
const deepest = 100;

/** Whether JSON text opens more than `deepest` arrays and objects within each other. */
function isTooDeep(text: string): boolean {
  if (text.length <= deepest) return false;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === '[' || character === '{') {
      depth += 1;
      if (depth > deepest) return true;
    } else if (character === ']' || character === '}') depth -= 1;
  }
  return false;
}

/** Parses JSON text; the reason says no more than what is wrong, since the text may be anything. */
export function parseJson(text: string): Decoded<unknown> {
  if (isTooDeep(text)) return { kind: 'refused', reason: `it is nested more than ${deepest} deep` };
  try {
    return { kind: 'decoded', value: JSON.parse(text) };
  } catch {
    return { kind: 'refused', reason: 'it is not JSON' };
  }
}

/**
 * Makes a decoder that reads an object as Go's encoding/json does: names in any case, later ones win, unknown ones are
 * ignored. To be made once and used often: making a schema costs a thousand times what its use does.
 */
export function createObjectDecoder<Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
): (value: unknown) => Decoded<z.infer<z.ZodObject<Shape>>> {
  const schema = z.object(shape);
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  return (value) => {
    const parsed = anyObject.safeParse(value);
    if (!parsed.success) return { kind: 'refused', reason: `${what} is not a JSON object` };
    const named: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(parsed.data)) {
      const name = names.get(key.toLowerCase());
      if (name !== undefined) named[name] = entry;
    }
    const decoded = schema.safeParse(named);
    if (decoded.success) return { kind: 'decoded', value: decoded.data };
    const issue = decoded.error.issues[0];
    const path = issue?.path.join('.') ?? '';
    return { kind: 'refused', reason: `${path} of ${what} ${issue?.message ?? 'is invalid'}` };
  };
}

/** Decodes one object; for what is read seldom. */
export const decodeObject = <Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
  value: unknown,
): Decoded<z.infer<z.ZodObject<Shape>>> => createObjectDecoder(what, shape)(value);
