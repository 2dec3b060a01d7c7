import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Problem } from './problem.ts';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** The text of a key; only plain scalars are keys of a lab file. */
export const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key);

/** Line and column (both from 1, in UTF-16 units) of an offset in the text. */
export function positionOf(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** The offset at which a node begins; null for what is not a node of a parsed text. */
export const startOf = (node: unknown): number | null => (isNode(node) ? (node.range?.[0] ?? null) : null);

/** Makes a function that finds a problem in the text; what is not written is placed at the nearest part around it. */
export function locator(document: Document, lines: LineCounter): (problem: Problem) => Position {
  const indexes = new Map<YAMLMap, Map<string, Pair>>();

  function pairOf(map: YAMLMap, key: string): Pair | undefined {
    let index = indexes.get(map);
    if (index === undefined) {
      index = new Map(map.items.map((pair) => [keyText(pair.key), pair]));
      indexes.set(map, index);
    }
    return index.get(key);
  }

  function step(node: unknown, part: PropertyKey): { key: unknown; value: unknown } | null {
    if (isMap(node)) return pairOf(node, String(part)) ?? null;
    const item = isSeq(node) && typeof part === 'number' ? node.items[part] : undefined;
    return item === undefined ? null : { key: null, value: item };
  }

  return ({ path, at }) => {
    let node: unknown = document.contents;
    let key: number | null = null;
    let value = startOf(node) ?? 0;
    for (const part of path) {
      // What an alias stands for is written elsewhere and may be right there.
      if (isAlias(node)) return positionOf(value, lines);
      const next = step(node, part);
      if (next === null) return positionOf(key ?? value, lines);
      key = startOf(next.key);
      value = startOf(next.value) ?? key ?? value;
      node = next.value;
    }
    return positionOf(at === 'key' ? (key ?? value) : value, lines);
  };
}
