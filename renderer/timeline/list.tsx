import { ActionIcon, Anchor, VisuallyHidden } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import type { HistoryEntry } from '../../contract/history.ts';
import { useView } from '../app/view.ts';
import { Status } from '../ui/status.tsx';
import styles from './list.module.css';
import { momentOf } from './moment.ts';
import { healthOf, levelNames, nameOf, placeOf } from './subjects.ts';
import { lookAt } from './timeline-store.ts';

const exact = new Intl.DateTimeFormat(undefined, {
  hour12: false,
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 1,
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

/** A time with its tenths, and with the day where it is not today. */
function exactTime(at: string): string {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return today ? exact.format(date) : `${day.format(date)} ${exact.format(date)}`;
}

const aboutOf = ({ pair, pod, host }: HistoryEntry): string | null =>
  pair === null ? (pod ?? host) : `${pair.from} → ${pair.to}`;

interface RowProps {
  readonly lab: string;
  readonly entry: HistoryEntry;
  readonly index: number;
  readonly height: number;
  readonly active: boolean;
  readonly later: boolean;
}

const Row = memo(function Row({ lab, entry, index, height, active, later }: RowProps) {
  const place = placeOf(lab, entry);
  const about = aboutOf(entry);
  return (
    <tr
      className={styles['row']}
      style={{ height }}
      aria-rowindex={index + 2}
      tabIndex={active ? 0 : -1}
      data-index={index}
      data-later={later}
    >
      <td>
        <time dateTime={entry.at}>{exactTime(entry.at)}</time>
      </td>
      <td>
        <Status health={healthOf(entry.level)}>{levelNames[entry.level]}</Status>
      </td>
      <td>{nameOf(entry.subject)}</td>
      <td>
        {about !== null && place !== null ? (
          <Anchor component={Link} href={place} inherit tabIndex={-1}>
            {about}
          </Anchor>
        ) : (
          about
        )}
      </td>
      <td
        className={styles['what']}
        title={entry.detail === null ? entry.title : `${entry.title}\n${entry.detail}`}
      >
        {entry.title}
        {entry.detail !== null && <span className={styles['detail']}>{entry.detail}</span>}
      </td>
      <td className={styles['moment']}>
        <ActionIcon
          size="sm"
          tabIndex={-1}
          aria-label={`Look at ${exactTime(entry.at)}`}
          title="Look at this moment (Space)"
          onClick={(event) => {
            event.stopPropagation();
            lookAt(momentOf(entry));
          }}
        >
          <IconHistory size={14} />
        </ActionIcon>
      </td>
    </tr>
  );
});

const rowRem = 2;

/** All entries, newest first, one a row: arrows move, Enter goes to the place, Space looks at the moment. */
export function HistoryList({
  lab,
  entries,
  unit,
  onEntry,
}: {
  lab: string;
  /** In order of time. */
  entries: readonly HistoryEntry[];
  unit: number;
  onEntry: (entry: HistoryEntry) => void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const cursor = useView((view) => view.cursor);
  const height = Math.round(rowRem * unit);
  // The entry that has the focus, by its id: new ones come above it.
  const [activeId, setActiveId] = useState<string | null>(null);
  const focusWanted = useRef(false);
  const count = entries.length;
  const entryAt = (index: number) => entries[count - 1 - index];
  const rows = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 12,
    paddingStart: height,
    scrollPaddingStart: height,
    useFlushSync: false,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the size is what the window must be told of
  useEffect(() => rows.measure(), [height, rows]);
  const drawn = rows.getVirtualItems();
  const above = (drawn[0]?.index ?? 0) * height;
  const below = (count - 1 - (drawn.at(-1)?.index ?? count - 1)) * height;
  const found = activeId === null ? -1 : entries.findIndex(({ id }) => id === activeId);
  const active = found < 0 ? 0 : count - 1 - found;
  const activeIsDrawn = drawn.some(({ index }) => index === active);

  useLayoutEffect(() => {
    if (!focusWanted.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (row === null || row === undefined) return;
    focusWanted.current = false;
    row.focus({ preventScroll: true });
  });

  const moveTo = (index: number) => {
    const next = Math.min(Math.max(0, index), count - 1);
    setActiveId(entryAt(next)?.id ?? null);
    focusWanted.current = true;
    rows.scrollToIndex(next);
  };
  const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / height) - 2);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const entry = entryAt(active);
    const keys: Record<string, () => void> = {
      ArrowDown: () => moveTo(active + 1),
      ArrowUp: () => moveTo(active - 1),
      PageDown: () => moveTo(active + page),
      PageUp: () => moveTo(active - page),
      Home: () => moveTo(0),
      End: () => moveTo(count - 1),
      Enter: () => entry !== undefined && onEntry(entry),
      ' ': () => entry !== undefined && lookAt(momentOf(entry)),
    };
    const act = keys[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const indexOf = (target: EventTarget): number | null => {
    const row = target instanceof Element ? target.closest<HTMLElement>('[data-index]') : null;
    return row === null ? null : Number(row.dataset['index']);
  };

  return (
    <div className={styles['list']} ref={scroller}>
      <table
        className={styles['table']}
        aria-label="Events, newest first"
        aria-rowcount={count + 1}
        tabIndex={activeIsDrawn ? -1 : 0}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          if (event.target instanceof Element && event.target.closest('a, button') !== null) return;
          const index = indexOf(event.target);
          const entry = index === null ? undefined : entryAt(index);
          if (entry === undefined) return;
          setActiveId(entry.id);
          onEntry(entry);
        }}
        onFocus={(event) => {
          const index = indexOf(event.target);
          const entry = index === null ? undefined : entryAt(index);
          if (entry !== undefined && entry.id !== activeId) setActiveId(entry.id);
        }}
      >
        <thead>
          <tr style={{ height }}>
            <th scope="col">Time</th>
            <th scope="col">Level</th>
            <th scope="col">Subject</th>
            <th scope="col">About</th>
            <th scope="col">What happened</th>
            <th scope="col">
              <VisuallyHidden>Look at the moment</VisuallyHidden>
            </th>
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden style={{ height: above }}>
              <td colSpan={6} />
            </tr>
          )}
          {drawn.map(({ index }) => {
            const entry = entryAt(index);
            if (entry === undefined) return null;
            return (
              <Row
                key={entry.id}
                lab={lab}
                entry={entry}
                index={index}
                height={height}
                active={index === active}
                later={cursor !== null && momentOf(entry) > cursor}
              />
            );
          })}
          {below > 0 && (
            <tr aria-hidden style={{ height: below }}>
              <td colSpan={6} />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
