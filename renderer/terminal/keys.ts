/** What a key means to the drawer; all other keys belong to what has the focus in it. */
export type DrawerKey =
  | { readonly kind: 'leave' }
  | { readonly kind: 'tab-bar' }
  | { readonly kind: 'find' }
  | { readonly kind: 'copy' }
  | { readonly kind: 'paste' }
  | { readonly kind: 'maximise' }
  | { readonly kind: 'step'; readonly by: 1 | -1 }
  | { readonly kind: 'tab'; readonly index: number };

export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/**
 * The keys of the drawer, few enough to leave a shell its own. `onMac`: the command key takes the place of control, except
 * for the key that leaves the drawer.
 */
export function drawerKey(press: KeyPress, onMac: boolean): DrawerKey | null {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = press;
  const mod = onMac ? metaKey && !ctrlKey : ctrlKey && !metaKey;
  if (ctrlKey && !metaKey && !altKey && !shiftKey && code === 'Backquote') return { kind: 'leave' };
  if (key === 'F6' && shiftKey && !ctrlKey && !metaKey && !altKey) return { kind: 'tab-bar' };
  if (altKey && !ctrlKey && !metaKey && !shiftKey && /^Digit[1-9]$/.test(code))
    return { kind: 'tab', index: Number(code.slice(-1)) - 1 };
  if (!mod || altKey) return null;
  if (!shiftKey && key.toLowerCase() === 'f') return { kind: 'find' };
  if (!shiftKey) return null;
  if (key === 'ArrowLeft') return { kind: 'step', by: -1 };
  if (key === 'ArrowRight') return { kind: 'step', by: 1 };
  if (key === 'ArrowUp' || key === 'ArrowDown') return { kind: 'maximise' };
  // On a Mac the command key copies and pastes without shift, and a browser does that by itself.
  if (onMac) return null;
  if (key.toLowerCase() === 'c') return { kind: 'copy' };
  return key.toLowerCase() === 'v' ? { kind: 'paste' } : null;
}
