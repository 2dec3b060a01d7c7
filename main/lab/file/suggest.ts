import { distance } from 'fastest-levenshtein';

/** Whether two neighbouring letters changed places: the most common slip, and two edits to Levenshtein. */
function isSwap(word: string, candidate: string): boolean {
  if (word.length !== candidate.length) return false;
  let at = 0;
  while (at < word.length && word[at] === candidate[at]) at += 1;
  return (
    at + 1 < word.length &&
    word[at] === candidate[at + 1] &&
    word[at + 1] === candidate[at] &&
    word.slice(at + 2) === candidate.slice(at + 2)
  );
}

function edits(word: string, candidate: string): number {
  const [one, other] = [word.toLowerCase(), candidate.toLowerCase()];
  return isSwap(one, other) ? 1 : distance(one, other);
}

/** The known word that a mistyped one most likely means; null when none is near (under half of its letters differ). */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: { word: string; distance: number } | null = null;
  for (const candidate of known) {
    const apart = edits(word, candidate);
    if (apart <= 3 && apart < candidate.length / 2 && (best === null || apart < best.distance)) {
      best = { word: candidate, distance: apart };
    }
  }
  return best?.word ?? null;
}

/** The end of a sentence about a wrong word: the nearest known one, or all of them when they are few. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  if (near !== null) return `, did you mean \`${near}\`?`;
  const each = [...new Set(known)];
  return each.length > 0 && each.length <= 12 ? `; known: ${each.join(', ')}` : '';
}
