/** Where the text of a new lab comes from. */
export type DraftOrigin =
  | { readonly kind: 'new' }
  | { readonly kind: 'sample'; readonly sample: string }
  | { readonly kind: 'lab'; readonly lab: string };

export function originOf(query: URLSearchParams): DraftOrigin {
  const lab = query.get('lab');
  if (lab !== null) return { kind: 'lab', lab };
  const sample = query.get('sample');
  return sample === null ? { kind: 'new' } : { kind: 'sample', sample };
}

const keyOf = (origin: DraftOrigin): string => {
  switch (origin.kind) {
    case 'new':
      return 'flatland-draft';
    case 'sample':
      return `flatland-draft sample ${origin.sample}`;
    case 'lab':
      return `flatland-draft lab ${origin.lab}`;
  }
};

/** What was written before one went elsewhere; null when nothing was. It stays with this window. */
export const readDraft = (origin: DraftOrigin): string | null => sessionStorage.getItem(keyOf(origin));

/** Keeps what is written; a text that is as it was in the beginning needs no keeping. */
export function keepDraft(origin: DraftOrigin, text: string, original: string): void {
  try {
    if (text === original) sessionStorage.removeItem(keyOf(origin));
    else sessionStorage.setItem(keyOf(origin), text);
  } catch {
    // A browser that keeps nothing loses the draft when one leaves, and that is all.
  }
}

export const dropDraft = (origin: DraftOrigin): void => sessionStorage.removeItem(keyOf(origin));
