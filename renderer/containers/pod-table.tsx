import { IconArrowDown, IconArrowUp, IconPlus } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Link } from 'wouter';
import { places } from '../app/routes.ts';
import { Age } from '../ui/age.tsx';
import { watchTheme } from '../ui/chart-theme.ts';
import { count } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { type Column, columnsIn, type Room, roomIn } from './columns.ts';
import styles from './containers.module.css';
import { PodLine } from './pod-line.tsx';
import type { HostPods, Item, Sort } from './pods.ts';

/** More lines than this, and only those that can be seen are drawn. */
const drawnAtOnce = 100;
const rowRem = 2.375;

interface Measures {
  /** Height of a line in pixels. */
  readonly row: number;
  readonly room: Room;
}

/** Lines are as high and columns as many as the type size, larger in presenter mode, and the width allow. */
function useMeasures(scroller: RefObject<HTMLElement | null>): Measures {
  const [measures, setMeasures] = useState<Measures>({ row: Math.round(rowRem * 16), room: 'all' });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      const row = Math.round(rowRem * rem);
      const room = roomIn(element.clientWidth / rem);
      setMeasures((known) => (known.row === row && known.room === room ? known : { row, room }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    const stop = watchTheme(() => requestAnimationFrame(measure));
    return () => {
      observer.disconnect();
      stop();
    };
  }, [scroller]);
  return measures;
}

function focusIfLost(table: HTMLElement | null, key: string | null): void {
  if (key === null || (document.activeElement !== document.body && document.activeElement !== null)) return;
  table?.querySelector<HTMLElement>(`[data-row="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Containers by host as a table; arrow keys move from row to row, Enter opens what can be done with one. */
export function PodTable({
  lab,
  items,
  sort,
  onSort,
  linked,
  onLaunch,
  onRemove,
}: {
  lab: string;
  items: readonly Item[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  /** The container that the place links to. */
  linked: string | null;
  onLaunch: (host: string) => void;
  onRemove: (pod: string) => void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const { row: rowHeight, room } = useMeasures(scroller);
  const columns = columnsIn[room];
  const width = columns.length + 1;
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollPaddingStart: rowHeight,
    getItemKey: (index) => items[index]?.key ?? index,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: heights follow the type size.
  useEffect(() => rows.measure(), [rowHeight]);
  const [current, setCurrent] = useState<string | null>(null);
  const [menu, setMenu] = useState<string | null>(null);
  const changeMenu = useCallback((key: string | null) => {
    setMenu((open) => {
      // What had the focus in the menu goes with it: its row has it again.
      if (key === null) setTimeout(() => focusIfLost(scroller.current, open), 0);
      return key;
    });
  }, []);
  const currentKey = useMemo(
    () =>
      items.some((item) => item.kind === 'pod' && item.key === current)
        ? current
        : (items.find(({ kind }) => kind === 'pod')?.key ?? null),
    [items, current],
  );
  const goTo = useRef<string | null>(null);
  const focusNow = useCallback(() => {
    if (goTo.current === null) return;
    const name = scroller.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(goTo.current)}"]`);
    if (name === null || name === undefined) return;
    goTo.current = null;
    name.focus({ preventScroll: true });
  }, []);
  const move = (index: number) => {
    const item = items[index];
    if (item?.kind !== 'pod') return;
    goTo.current = item.key;
    setCurrent(item.key);
    const drawn = scroller.current?.querySelector(`[data-row="${CSS.escape(item.key)}"]`)?.closest('tr');
    if (drawn) drawn.scrollIntoView({ block: 'nearest' });
    else rows.scrollToIndex(index);
    requestAnimationFrame(focusNow);
  };
  // A row that had to be scrolled to is there only now.
  useEffect(focusNow);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is followed once, when the row is there.
  useEffect(() => {
    const index = items.findIndex((item) => item.kind === 'pod' && item.row.pod.name === linked);
    if (index >= 0) move(index);
  }, [linked, items.length > 0]);

  const onKeyDown = (event: KeyboardEvent) => {
    const target =
      event.target instanceof HTMLElement ? event.target.closest('tr')?.dataset['index'] : undefined;
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey || menu !== null) return;
    const index = Number(target);
    const next = (from: number, by: number) => {
      let at = from + by;
      while (items[at]?.kind === 'host') at += by;
      return at;
    };
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2);
    if (event.key === 'ArrowDown') move(next(index, 1));
    else if (event.key === 'ArrowUp') move(next(index, -1));
    else if (event.key === 'Home') move(next(-1, 1));
    else if (event.key === 'End') move(next(items.length, -1));
    else if (event.key === 'PageDown') move(next(Math.min(items.length - 1, index + page) + 1, -1));
    else if (event.key === 'PageUp') move(next(Math.max(0, index - page) - 1, 1));
    else return;
    event.preventDefault();
  };

  const virtual = items.length > drawnAtOnce;
  const drawn = virtual
    ? rows.getVirtualItems().map(({ index }) => index)
    : Array.from(items, (_, index) => index);
  const before = virtual ? (rows.getVirtualItems()[0]?.start ?? 0) : 0;
  const after = virtual ? rows.getTotalSize() - (rows.getVirtualItems().at(-1)?.end ?? 0) : 0;
  return (
    <div className={styles['scroller']} ref={scroller}>
      <table
        className={styles['table']}
        aria-label="Containers"
        data-columns={room}
        aria-rowcount={items.length + 1}
        onKeyDown={onKeyDown}
        style={{ ['--row' as string]: `${rowHeight}px` }}
      >
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <Head key={column.name} {...column} order={sort} onSort={onSort} />
            ))}
            <th scope="col" className={styles['actionsColumn']}>
              <span className={styles['unseen']}>Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Gap width={width} height={before} />}
          {drawn.map((index) => {
            const item = items[index];
            if (item === undefined) return null;
            return item.kind === 'host' ? (
              <HostLine
                key={item.key}
                lab={lab}
                index={index}
                width={width}
                group={item.group}
                shown={item.shown}
                onLaunch={onLaunch}
              />
            ) : (
              <PodLine
                key={item.key}
                lab={lab}
                index={index}
                room={room}
                row={item.row}
                current={item.key === currentKey}
                linked={item.row.pod.name === linked}
                menu={menu === item.key}
                onMenu={changeMenu}
                onCurrent={setCurrent}
                onRemove={onRemove}
              />
            );
          })}
          {after > 0 && <Gap width={width} height={after} />}
        </tbody>
      </table>
    </div>
  );
}

const Gap = ({ width, height }: { width: number; height: number }) => (
  <tr aria-hidden>
    <td colSpan={width} style={{ height, padding: 0, border: 0 }} />
  </tr>
);

function Head({
  name,
  style,
  sort,
  order,
  onSort,
}: Column & {
  order: Sort;
  onSort: (sort: Sort) => void;
}) {
  if (sort === undefined)
    return (
      <th scope="col" className={styles[style]}>
        {name}
      </th>
    );
  const here = order.key === sort;
  const Arrow = order.descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      scope="col"
      className={styles[style]}
      aria-sort={here ? (order.descending ? 'descending' : 'ascending') : 'none'}
    >
      <button
        type="button"
        className={styles['sort']}
        onClick={() => onSort({ key: sort, descending: here && !order.descending })}
      >
        {name}
        {here && <Arrow size={13} aria-hidden />}
      </button>
    </th>
  );
}

const HostLine = memo(function HostLine({
  lab,
  index,
  width,
  group,
  shown,
  onLaunch,
}: {
  lab: string;
  index: number;
  /** How many columns the table has. */
  width: number;
  group: HostPods;
  shown: number;
  onLaunch: (host: string) => void;
}) {
  const { host, known, at, rows } = group;
  return (
    <tr className={styles['host']} aria-rowindex={index + 2}>
      <th scope="rowgroup" colSpan={width}>
        <div className={styles['hostLine']}>
          <Link href={places.host(lab, host)}>{host}</Link>
          <span className={styles['faint']}>
            {shown === rows.length
              ? count(shown, 'container')
              : `${shown} of ${count(rows.length, 'container')}`}
          </span>
          {known ? <Age at={at} /> : <Status health="bad">lost</Status>}
          {!known && <Age at={at} />}
          <span className={styles['spring']} />
          <button
            type="button"
            className={styles['icon']}
            disabled={!known}
            aria-label={`Launch a container on ${host}`}
            title={`Launch a container on ${host}`}
            onClick={() => onLaunch(host)}
          >
            <IconPlus size={16} />
          </button>
        </div>
      </th>
    </tr>
  );
});
