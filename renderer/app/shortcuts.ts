/** A key press as the browser tells it. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

const namedKeys: Record<string, string> = {
  ' ': 'space',
  '+': 'plus',
  Esc: 'escape',
};

/** One chord of a shortcut as a key press would be written: `mod+k`, `shift+e`, `?`. Control and Command are both `mod`. */
export function chordOf({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyPress): string {
  const name = namedKeys[key] ?? key.toLowerCase();
  // Which symbols need Shift differs between keyboards: there the symbol is enough.
  const symbol = name.length === 1 && !/[a-z0-9]/.test(name);
  return [ctrlKey || metaKey ? 'mod' : '', altKey ? 'alt' : '', shiftKey && !symbol ? 'shift' : '', name]
    .filter(Boolean)
    .join('+');
}

/** The chords of a shortcut in the same writing: `G T` is `g` and then `t`. */
export function chordsOf(shortcut: string): string[] {
  return shortcut
    .toLowerCase()
    .split(' ')
    .filter(Boolean)
    .map((chord) => {
      const parts = chord.split('+').filter(Boolean);
      const key = parts.at(-1) ?? '';
      const has = (...names: string[]) => names.some((name) => parts.slice(0, -1).includes(name));
      const symbol = key.length === 1 && !/[a-z0-9]/.test(key);
      return [
        has('mod', 'ctrl', 'meta') ? 'mod' : '',
        has('alt') ? 'alt' : '',
        has('shift') && !symbol ? 'shift' : '',
        key,
      ]
        .filter(Boolean)
        .join('+');
    });
}

export type KeyMatch<T> =
  | { readonly kind: 'none' }
  | { readonly kind: 'begun'; readonly chords: readonly string[] }
  | { readonly kind: 'found'; readonly what: T };

/** What a chord means after those that were pressed just before it; a chord that continues nothing begins anew. */
export function matchChord<T extends { readonly shortcuts: readonly string[] }>(
  all: readonly T[],
  pressed: readonly string[],
  chord: string,
): KeyMatch<T> {
  const chords = [...pressed, chord];
  const begins = (shortcut: string) => chords.every((one, index) => chordsOf(shortcut)[index] === one);
  let begun = false;
  for (const what of all) {
    for (const shortcut of what.shortcuts.filter(begins)) {
      if (chordsOf(shortcut).length === chords.length) return { kind: 'found', what };
      begun = true;
    }
  }
  if (begun) return { kind: 'begun', chords };
  return pressed.length === 0 ? { kind: 'none' } : matchChord(all, [], chord);
}

const onMac = { mod: '⌘', alt: '⌥', shift: '⇧', enter: '↵', escape: 'Esc' };
const elsewhere = { mod: 'Ctrl', alt: 'Alt', shift: 'Shift', enter: '↵', escape: 'Esc' };

/** The keys of a shortcut as they are printed on them, one list a chord. */
export function keysOf(shortcut: string, mac: boolean): string[][] {
  const names: Record<string, string> = mac ? onMac : elsewhere;
  return chordsOf(shortcut).map((chord) =>
    chord
      .split('+')
      .map(
        (key) =>
          names[key] ?? (key.length === 1 ? key.toUpperCase() : `${key[0]?.toUpperCase()}${key.slice(1)}`),
      ),
  );
}
