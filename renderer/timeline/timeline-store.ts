import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import { setView } from '../app/view.ts';
import { type Range, windowOf } from './axis.ts';

/** The time axis, which the strip and the full view share. */
interface TimelineView {
  readonly collapsed: boolean;
  readonly range: Range;
}

export const useTimelineView = create<TimelineView>()(
  persist((): TimelineView => ({ collapsed: false, range: { kind: 'following', span: 300_000 } }), {
    name: 'flatland-timeline',
    partialize: ({ collapsed }) => ({ collapsed }),
  }),
);

export function setRange(range: Range): void {
  useTimelineView.setState({ range });
}

export function setCollapsed(collapsed: boolean): void {
  useTimelineView.setState({ collapsed });
}

/** Shows the screens as they were at a moment (Unix ms), which the time axis moves to if it does not show it; null is now. */
export function lookAt(moment: number | null): void {
  const now = Date.now();
  if (moment === null || moment >= now) {
    setView({ cursor: null });
    return;
  }
  setView({ cursor: moment });
  const { from, to } = windowOf(useTimelineView.getState().range, now, moment);
  if (moment >= from && moment <= to) return;
  const half = (to - from) / 2;
  setRange({ kind: 'fixed', from: moment - half, to: moment + half });
}
