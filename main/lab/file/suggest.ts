import { distance } from 'fastest-levenshtein';

/** The known word that a mistyped one most likely means; null when none is near (under half of its letters differ). */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: { word: string; distance: number } | null = null;
  for (const candidate of known) {
    const apart = distance(word.toLowerCase(), candidate.toLowerCase());
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
  return known.length > 0 && known.length <= 12 ? `; known: ${known.join(', ')}` : '';
}
