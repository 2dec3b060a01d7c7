/**
 * How well a query fits a text: null when its letters are not all there in order. Higher is better: a word's beginning counts
 * more than its middle, letters that follow each other more than scattered ones, a short text more than a long one.
 */
export function fuzzyScore(query: string, text: string): number | null {
  const asked = query.toLowerCase().trim();
  const wanted = asked.replaceAll(' ', '');
  const lower = text.toLowerCase();
  if (wanted === '') return 0;
  const whole = lower.indexOf(asked);
  let score = 0;
  if (whole >= 0) {
    score = 100 + (whole === 0 || /[^a-z0-9]/.test(lower[whole - 1] ?? '') ? 50 : 0);
    return score - text.length * 0.1;
  }
  let last = -2;
  for (const letter of wanted) {
    const at = lower.indexOf(letter, last < 0 ? 0 : last + 1);
    if (at < 0) return null;
    if (at === last + 1) score += 4;
    else if (at === 0 || /[^a-z0-9]/.test(lower[at - 1] ?? '')) score += 6;
    else score -= Math.min(3, at - Math.max(last, 0));
    last = at;
  }
  return score - text.length * 0.1;
}

/** The best fitting entries, best first; in their own order while nothing is asked for. */
export function fuzzySearch<T>(
  query: string,
  entries: readonly T[],
  textOf: (entry: T) => { readonly label: string; readonly more: string },
  limit: number,
): T[] {
  if (query.trim() === '') return entries.slice(0, limit);
  const scored: { entry: T; score: number }[] = [];
  for (const entry of entries) {
    const { label, more } = textOf(entry);
    const onLabel = fuzzyScore(query, label);
    const onMore = more === '' ? null : fuzzyScore(query, `${label} ${more}`);
    const score = Math.max(onLabel ?? -Infinity, onMore === null ? -Infinity : onMore - 20);
    if (score > -5) scored.push({ entry, score });
  }
  return scored
    .sort((one, other) => other.score - one.score)
    .slice(0, limit)
    .map(({ entry }) => entry);
}
