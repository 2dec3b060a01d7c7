import { z } from 'zod';

export type Decoded<T> =
  | { readonly kind: 'decoded'; readonly value: T }
  | { readonly kind: 'refused'; readonly reason: string };

/** Parses JSON text; the reason says no more than that it is none, since the text may be anything. */
export function parseJson(text: string): Decoded<unknown> {
  try {
    return { kind: 'decoded', value: JSON.parse(text) };
  } catch {
    return { kind: 'refused', reason: 'it is not JSON' };
  }
}

/** Reads an object as Go's encoding/json does: names in any case, later ones win, unknown ones are ignored. */
export function decodeObject<Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
  value: unknown,
): Decoded<z.infer<z.ZodObject<Shape>>> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  if (!parsed.success) return { kind: 'refused', reason: `${what} is not a JSON object` };
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]));
  const named: Record<string, unknown> = {};
  for (const [key, entry] of Object.entries(parsed.data)) {
    const name = names.get(key.toLowerCase());
    if (name !== undefined) named[name] = entry;
  }
  const decoded = z.object(shape).safeParse(named);
  if (decoded.success) return { kind: 'decoded', value: decoded.data };
  const issue = decoded.error.issues[0];
  const path = issue?.path.join('.') ?? '';
  return { kind: 'refused', reason: `${path} of ${what} ${issue?.message ?? 'is invalid'}` };
}
