/** A command line as its words, or why it has none. */
export type Words =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly problem: string };

const afterBackslash = '"\\$`';

/**
 * Splits a command line as a POSIX shell would, without ever expanding anything: white space parts words, '…' is taken as it
 * is, in "…" a backslash protects " \ $ and `, and outside it protects any character.
 */
export function splitWords(line: string): Words {
  const words: string[] = [];
  let word: string | null = null;
  let quote: '"' | "'" | null = null;
  const characters = [...line];
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] ?? '';
    const next = characters[index + 1];
    if (quote === null && /\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === quote) quote = null;
    else if (quote === null && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === '\\' && quote === null) {
      if (next === undefined) return { ok: false, problem: 'Nothing follows the last backslash.' };
      word = (word ?? '') + next;
      index += 1;
    } else if (character === '\\' && quote === '"' && next !== undefined && afterBackslash.includes(next)) {
      word = (word ?? '') + next;
      index += 1;
    } else word = (word ?? '') + character;
  }
  if (quote !== null) return { ok: false, problem: `A ${quote} is not closed.` };
  if (word !== null) words.push(word);
  return { ok: true, words };
}

const quoteWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Words as a command line that a shell reads as the same words. */
export const joinWords = (words: readonly string[]): string => words.map(quoteWord).join(' ');
