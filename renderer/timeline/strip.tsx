import { Button } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconHistory } from '@tabler/icons-react';
import { useCallback, useMemo } from 'react';
import { useLocation } from 'wouter';
import type { HistoryEntry } from '../../contract/history.ts';
import { type Command, useCommands } from '../app/commands.ts';
import { places } from '../app/routes.ts';
import { setView, useView } from '../app/view.ts';
import type { LabState } from '../stream/state.ts';
import { formatTime } from '../ui/format.ts';
import { StatusIcon } from '../ui/status.tsx';
import { TimeCanvas, useWindow } from './canvas.tsx';
import type { Lane } from './draw.ts';
import { joinIntervals, redIntervals } from './intervals.ts';
import { RangeButtons } from './range-buttons.tsx';
import styles from './strip.module.css';
import { healthOf, placeOf } from './subjects.ts';
import { setCollapsed, useTimelineView } from './timeline-store.ts';

/** A way back to now, wherever one is, while the screens show an earlier moment. */
function useWayBack(): void {
  const past = useView((view) => view.cursor !== null);
  const commands = useMemo<readonly Command[]>(
    () =>
      past
        ? [
            {
              id: 'timeline.now',
              label: 'Back to now',
              group: 'View',
              keywords: 'timeline cursor moment live',
              shortcut: 'Escape',
              perform: () => setView({ cursor: null }),
            },
          ]
        : [],
    [past],
  );
  useCommands(commands);
}

/** Goes to what an entry is about. */
export function useGoToEntry(lab: string): (entry: HistoryEntry) => void {
  const [, navigate] = useLocation();
  return useCallback((entry) => navigate(placeOf(lab, entry) ?? places.timeline(lab)), [navigate, lab]);
}

function Bar({ state, collapsed }: { state: LabState; collapsed: boolean }) {
  const { history, lab } = state;
  const goTo = useGoToEntry(lab.name);
  const lanes = useMemo<readonly Lane[]>(
    () => (collapsed ? [] : [{ name: 'Everything', history, red: joinIntervals(redIntervals(history)) }]),
    [history, collapsed],
  );
  const last = history.at(-1);
  return (
    <section className={styles['strip']} aria-label="Timeline" data-collapsed={collapsed}>
      <button
        type="button"
        className={styles['name']}
        aria-expanded={!collapsed}
        onClick={() => setCollapsed(!collapsed)}
      >
        {collapsed ? <IconChevronUp size={14} aria-hidden /> : <IconChevronDown size={14} aria-hidden />}
        Timeline
      </button>
      {collapsed ? (
        <div className={styles['last']}>
          {last !== undefined && (
            <>
              <time dateTime={last.at}>{formatTime(last.at)}</time>
              <StatusIcon health={healthOf(last.level)} />
              <span>{last.title}</span>
            </>
          )}
        </div>
      ) : (
        <TimeCanvas
          label={`Moment shown of ${lab.name}`}
          history={history}
          lanes={lanes}
          margin={0}
          onEntry={goTo}
        />
      )}
      <div className={styles['controls']}>
        <Past />
        {!collapsed && <Controls history={history} />}
      </div>
    </section>
  );
}

function Past() {
  const cursor = useView((view) => view.cursor);
  if (cursor === null) return null;
  return (
    <Button
      size="compact-xs"
      variant="light"
      className={styles['past'] ?? ''}
      leftSection={<IconHistory size={14} />}
      onClick={() => setView({ cursor: null })}
    >
      {formatTime(cursor)}, back to now
    </Button>
  );
}

function Controls({ history }: { history: readonly HistoryEntry[] }) {
  const { window, now } = useWindow(history);
  return <RangeButtons window={window} now={now} />;
}

/** The time of a lab at the bottom of each of its views, except where all of the view is time. */
export function TimelineStrip({ state }: { state: LabState }) {
  useWayBack();
  const [location] = useLocation();
  const collapsed = useTimelineView((view) => view.collapsed);
  if (location === places.timeline(state.lab.name)) return null;
  return <Bar state={state} collapsed={collapsed} />;
}
