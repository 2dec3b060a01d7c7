import { create } from 'zustand';

/** What is laid over the screens for a moment; at most one of them is open. */
type Overlay = 'palette' | 'shortcuts' | 'tasks' | 'labs';

const useStore = create<{ readonly open: Overlay | null }>(() => ({ open: null }));

export const useOverlay = (overlay: Overlay): boolean => useStore(({ open }) => open === overlay);

export const openOverlay = (overlay: Overlay): void => useStore.setState({ open: overlay });

export const closeOverlay = (overlay: Overlay): void =>
  useStore.setState(({ open }) => (open === overlay ? { open: null } : {}));

export const toggleOverlay = (overlay: Overlay): void =>
  useStore.setState(({ open }) => ({ open: open === overlay ? null : overlay }));
