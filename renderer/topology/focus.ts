import { create } from 'zustand';
import { pairKey, type Sickness } from './pairs.ts';

/** What the drawer beside the picture tells of. */
export type Selection =
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'pod'; readonly host: string; readonly pod: string }
  | { readonly kind: 'pair'; readonly one: string; readonly other: string };

/** Which layers are shown. */
export type Shown = 'underlay' | 'both' | 'overlay';

/** How much of a host is drawn: its whole card, or from farther away its name, health and number of pods. */
export type Detail = 'card' | 'tile' | 'dot' | 'speck';

interface Look {
  readonly selection: Selection | null;
  readonly hoveredHost: string | null;
  readonly hoveredPair: string | null;
  /** The host that the arrow keys move from; the only one that Tab stops at. */
  readonly active: string | null;
  readonly shown: Shown;
  readonly detail: Detail;
  readonly sick: ReadonlyMap<string, Sickness>;
}

const fresh: Look = {
  selection: null,
  hoveredHost: null,
  hoveredPair: null,
  active: null,
  shown: 'both',
  detail: 'tile',
  sick: new Map(),
};

/** What one person looks at in the picture at this moment. */
export const useLook = create<Look>(() => fresh);

export const look = (change: Partial<Look>): void => useLook.setState(change);

export const resetLook = (): void => useLook.setState({ ...fresh, shown: useLook.getState().shown });

/** From how near one looks at a zoom. */
export const detailAt = (zoom: number): Detail =>
  zoom >= 0.56 ? 'card' : zoom >= 0.3 ? 'tile' : zoom >= 0.14 ? 'dot' : 'speck';

/** The hosts and the pair whose links stand out. */
export function focusOf({ selection, hoveredHost, hoveredPair }: Look): {
  hosts: ReadonlySet<string>;
  pair: string | null;
} {
  const chosen = selection === null || selection.kind === 'pair' ? null : selection.host;
  const host = hoveredHost ?? chosen;
  const pair = selection?.kind === 'pair' ? pairKey(selection.one, selection.other) : null;
  return { hosts: new Set(host === null || hoveredPair !== null ? [] : [host]), pair: hoveredPair ?? pair };
}
