import { create } from 'zustand';
import { persist } from 'zustand/middleware';

/** How one person likes to look at things. It stays with the browser; it is no truth about a lab. */
interface View {
  readonly presenter: boolean;
  readonly sidebar: boolean;
  /** Height of the terminal drawer in pixels; null while it is closed. */
  readonly drawer: number | null;
  /** The moment (Unix time in ms) that the matrix and the charts show; null is now. */
  readonly cursor: number | null;
}

export const useView = create<View>()(
  persist((): View => ({ presenter: false, sidebar: true, drawer: null, cursor: null }), {
    name: 'flatland-view',
    partialize: ({ presenter, sidebar }) => ({ presenter, sidebar }),
  }),
);

export function setView(change: Partial<View>): void {
  useView.setState(change);
}
