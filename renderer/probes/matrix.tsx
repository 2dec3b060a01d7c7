import { useElementSize, useMergedRef } from '@mantine/hooks';
import { IconX } from '@tabler/icons-react';
import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type Ref,
  useCallback,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { ProbeResult } from '../../contract/probe.ts';
import { type Cell, cellOf, type Shown, sentenceOf } from './cell.ts';
import { type End, endKey, shortName } from './ends.ts';
import type { Freshness } from './freshness.ts';
import { moveBy, type Place } from './grid-keys.ts';
import styles from './matrix.module.css';
import { isMeasured, type Measuring } from './measuring.ts';
import { type RampRange, rampStep } from './ramp.ts';

/** What a place of the grid stands for: a cell, a whole row or column, or all of it. */
export interface Target {
  readonly from: End | null;
  readonly to: End | null;
}

/** How the screen around the matrix speaks to it. */
export interface MatrixHandle {
  focus(): void;
}

interface Look {
  readonly shown: Shown;
  readonly freshness: Freshness;
  readonly range: RampRange | null;
  readonly measuring: readonly Measuring[];
  readonly resultsOf: (from: End, to: End) => readonly ProbeResult[];
}

/** Up to so many rows or columns all are drawn, so that the browser's own search finds them. */
const drawnWhole = 24;
const everyIndex = ({ count }: Range): number[] => Array.from({ length: count }, (_, index) => index);

function lookOf(cell: Cell, { shown, range }: Look): { look: string; step: number } {
  if (shown === 'rtt' && cell.health === 'good' && cell.milliseconds !== null && range !== null)
    return { look: 'ramp', step: rampStep(cell.milliseconds, range) };
  return { look: cell.health, step: 0 };
}

interface CellProps {
  readonly row: number;
  readonly column: number;
  readonly look: string;
  readonly step: number;
  readonly value: string;
  readonly unit: string;
  readonly failed: boolean;
  readonly sentence: string;
  readonly active: boolean;
  readonly chosen: boolean;
  readonly measuring: boolean;
  readonly edge: boolean;
  readonly mono: boolean;
}

const MatrixCell = memo(function MatrixCell(cell: CellProps) {
  const value = [cell.value, cell.unit].filter(Boolean).join(' ');
  const said = `${cell.sentence}${cell.measuring ? '; being measured' : ''}`;
  return (
    <td
      // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a cell of a grid, which can be selected
      role="gridcell"
      className={styles['cell']}
      aria-colindex={cell.column + 1}
      aria-selected={cell.chosen}
      aria-label={value === '' ? said : `${value}, ${said}`}
      title={said}
      tabIndex={cell.active ? 0 : -1}
      data-row={cell.row}
      data-column={cell.column}
      data-look={cell.look}
      data-step={cell.step}
      data-edge={cell.edge}
      data-chosen={cell.chosen}
      data-measuring={cell.measuring}
    >
      <span>
        {cell.failed && <IconX size="1em" stroke={3} aria-hidden />}
        <span className={cell.mono ? styles['mono'] : undefined}>{cell.value}</span>
        {cell.unit !== '' && (
          <>
            {' '}
            <span className={styles['unit']}>{cell.unit}</span>
          </>
        )}
      </span>
    </td>
  );
});

interface RowProps extends Look {
  readonly from: End;
  readonly row: number;
  readonly rowIndex: number;
  readonly height: number;
  readonly columns: readonly End[];
  readonly firstColumn: number;
  readonly lastColumn: number;
  readonly before: number;
  readonly after: number;
  readonly groupBegins: boolean;
  readonly showsHost: boolean;
  /** The column that has the focus, if this is its row. */
  readonly activeColumn: number | null;
  /** The target of the pair whose details are open, if this is its row. */
  readonly chosen: string | null;
}

const MatrixRow = memo(function MatrixRow(own: RowProps) {
  const { from, row, columns, firstColumn, lastColumn } = own;
  const cells = [];
  for (let index = firstColumn; index <= lastColumn; index += 1) {
    const to = columns[index];
    if (to === undefined) continue;
    const results = own.resultsOf(from, to);
    const cell = cellOf(results, own.shown, own.freshness);
    const self = from.kind === 'pod' && from.name === to.name;
    const { look, step } = cell === null ? { look: self ? 'self' : 'empty', step: 0 } : lookOf(cell, own);
    const edge = to.kind === 'pod' && index > 0 && columns[index - 1]?.host !== to.host;
    cells.push(
      <MatrixCell
        key={endKey(to)}
        row={row}
        column={index + 1}
        look={look}
        step={step}
        value={cell?.value ?? ''}
        unit={cell?.unit ?? ''}
        failed={cell?.failed ?? false}
        sentence={self ? `${from.name} itself` : sentenceOf(from.name, to.name, results, own.shown)}
        active={own.activeColumn === index + 1}
        chosen={own.chosen === to.name}
        measuring={!self && isMeasured(own.measuring, from, to, cell?.at ?? 0)}
        edge={edge}
        mono={own.shown === 'source' && cell !== null}
      />,
    );
  }
  return (
    <tr
      aria-rowindex={own.rowIndex}
      style={{ height: own.height }}
      className={own.groupBegins ? styles['first'] : undefined}
    >
      <th
        scope="row"
        className={styles['rowHead']}
        aria-colindex={1}
        aria-label={from.kind === 'pod' ? `${from.name} on ${from.host}` : `host ${from.name}`}
        title={from.kind === 'pod' ? `${from.name} on ${from.host}` : `host ${from.name}`}
        tabIndex={own.activeColumn === 0 ? 0 : -1}
        data-row={row}
        data-column={0}
      >
        <span>
          {from.kind !== 'all' && <span className={styles['rowHost']}>{own.showsHost ? from.host : ''}</span>}
          <span className={styles['rowName']} data-host-end={from.kind === 'host'}>
            {from.kind === 'host' ? 'the host' : shortName(from)}
          </span>
        </span>
      </th>
      {own.before > 0 && <td aria-hidden style={{ width: own.before }} />}
      {cells}
      {own.after > 0 && <td aria-hidden style={{ width: own.after }} />}
    </tr>
  );
});

/** Columns of the same host that are drawn, as one head above them. */
function groupsOf(
  columns: readonly End[],
  first: number,
  last: number,
): { host: string; start: number; span: number }[] {
  const groups: { host: string; start: number; span: number }[] = [];
  for (let index = first; index <= last; index += 1) {
    const host = columns[index]?.host;
    if (host === undefined) continue;
    const group = groups.at(-1);
    if (group !== undefined && group.host === host) group.span += 1;
    else groups.push({ host, start: index, span: 1 });
  }
  return groups;
}

function placeOf(element: EventTarget): Place | null {
  const cell = element instanceof Element ? element.closest<HTMLElement>('[data-row]') : null;
  if (cell === null) return null;
  return { row: Number(cell.dataset['row']), column: Number(cell.dataset['column']) };
}

/**
 * The matrix as one table: rows ask, columns answer. Only what can be seen is drawn of a large one. `unit` is the size of a rem
 * in pixels.
 */
export function Matrix(
  props: Look & {
    readonly label: string;
    readonly rows: readonly End[];
    readonly columns: readonly End[];
    readonly unit: number;
    readonly chosen: { readonly from: string; readonly to: string } | null;
    readonly onOpen: (from: End, to: End) => void;
    readonly onMeasure: (target: Target) => void;
    readonly onMenu: (target: Target, at: { x: number; y: number }) => void;
    readonly onActive: (target: Target) => void;
    /** What Escape does in the grid; null leaves it to others. */
    readonly onEscape: (() => void) | null;
    readonly ref?: Ref<MatrixHandle>;
  },
) {
  const { rows, columns, unit, shown, freshness, range, measuring, resultsOf, onActive } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { ref: sizeRef, width, height } = useElementSize();
  const scrollerRef = useMergedRef(scroller, sizeRef);
  const [active, setActive] = useState<Place>({ row: 1, column: 1 });
  const focusWanted = useRef(false);
  const hadFocus = useRef(false);

  const grouped = columns[0]?.kind === 'pod';
  const compact = columns.length > 24;
  const headWidth = Math.round((grouped ? 11.5 : 9) * unit);
  const narrowest = (shown === 'source' ? 7.5 : compact ? 4 : shown === 'all' ? 5.75 : 5) * unit;
  const room = columns.length === 0 ? narrowest : (width - headWidth - 1) / columns.length;
  const columnWidth = Math.floor(Math.max(narrowest, Math.min(room, 8 * unit)));
  const rowHeight = Math.round((compact ? 1.75 : 2.375) * unit);
  const headHeight = Math.round(1.9 * unit);
  const headRows = grouped ? 2 : 1;

  const rowWindow = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 3,
    paddingStart: headHeight * headRows,
    scrollPaddingStart: headHeight * headRows,
    useFlushSync: false,
    rangeExtractor: rows.length <= drawnWhole ? everyIndex : defaultRangeExtractor,
  });
  const columnWindow = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => columnWidth,
    overscan: 2,
    paddingStart: headWidth,
    scrollPaddingStart: headWidth,
    useFlushSync: false,
    rangeExtractor: columns.length <= drawnWhole ? everyIndex : defaultRangeExtractor,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: sizes are what the windows must be told of
  useLayoutEffect(() => {
    rowWindow.measure();
    columnWindow.measure();
  }, [rowHeight, columnWidth, headWidth, headHeight, rowWindow, columnWindow]);

  const drawnRows = rowWindow.getVirtualItems();
  const drawnColumns = columnWindow.getVirtualItems();
  const firstColumn = drawnColumns[0]?.index ?? 0;
  const lastColumn = drawnColumns.at(-1)?.index ?? -1;
  const before = firstColumn * columnWidth;
  const after = lastColumn < 0 ? 0 : (columns.length - 1 - lastColumn) * columnWidth;
  const above = (drawnRows[0]?.index ?? 0) * rowHeight;
  const below = (rows.length - 1 - (drawnRows.at(-1)?.index ?? rows.length - 1)) * rowHeight;

  const place: Place = {
    row: Math.min(active.row, rows.length),
    column: Math.min(active.column, columns.length),
  };
  const targetAt = useCallback(
    ({ row, column }: Place): Target => ({ from: rows[row - 1] ?? null, to: columns[column - 1] ?? null }),
    [rows, columns],
  );

  const activate = useCallback(
    (next: Place) => {
      setActive(next);
      onActive(targetAt(next));
    },
    [onActive, targetAt],
  );

  const moveTo = (next: Place) => {
    activate(next);
    focusWanted.current = true;
    if (next.row > 0) rowWindow.scrollToIndex(next.row - 1);
    if (next.column > 0) columnWindow.scrollToIndex(next.column - 1);
  };

  // A cell that the keys moved to is drawn a moment after it was scrolled to; one that was scrolled away leaves its focus to the table.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const cell = element.querySelector<HTMLElement>(
      `[data-row="${place.row}"][data-column="${place.column}"]`,
    );
    if (focusWanted.current && cell !== null) {
      focusWanted.current = false;
      cell.focus({ preventScroll: true });
    } else if (hadFocus.current && cell === null && document.activeElement === document.body) {
      element.querySelector('table')?.focus({ preventScroll: true });
    }
  });

  // A pair that was opened from elsewhere is scrolled to, also when its details take some of the room.
  const chosenRow = props.chosen === null ? -1 : rows.findIndex(({ name }) => name === props.chosen?.from);
  const chosenColumn =
    props.chosen === null ? -1 : columns.findIndex(({ name }) => name === props.chosen?.to);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only another pair or another width scrolls
  useLayoutEffect(() => {
    if (chosenRow < 0 || chosenColumn < 0 || width === 0) return;
    activate({ row: chosenRow + 1, column: chosenColumn + 1 });
    rowWindow.scrollToIndex(chosenRow);
    columnWindow.scrollToIndex(chosenColumn);
  }, [chosenRow, chosenColumn, width]);

  useImperativeHandle(props.ref, () => ({
    focus: () => moveTo(place),
  }));

  const activeIsDrawn =
    (place.row === 0 || drawnRows.some(({ index }) => index === place.row - 1)) &&
    (place.column === 0 || (place.column - 1 >= firstColumn && place.column - 1 <= lastColumn));

  const onKeyDown = (event: KeyboardEvent) => {
    const key = { key: event.key, ctrl: event.ctrlKey || event.metaKey, alt: event.altKey };
    const next = moveBy(place, key, {
      rows: rows.length,
      columns: columns.length,
      pageRows: Math.max(1, Math.floor((height - headHeight * headRows) / rowHeight) - 1),
      pageColumns: Math.max(1, Math.floor((width - headWidth) / columnWidth) - 1),
    });
    if (next !== null) {
      event.preventDefault();
      moveTo(next);
      return;
    }
    if (key.ctrl || key.alt) return;
    const { from, to } = targetAt(place);
    if (event.key === 'Enter') {
      event.preventDefault();
      props.onMeasure({ from, to });
    } else if (event.key === 'Escape' && props.onEscape !== null) {
      event.stopPropagation();
      props.onEscape();
    } else if (event.key === ' ') {
      event.preventDefault();
      if (from !== null && to !== null) props.onOpen(from, to);
      else openMenu(event.target, place);
    }
  };

  const openMenu = (element: EventTarget, at: Place, pointer?: { x: number; y: number }) => {
    if (!(element instanceof Element)) return;
    const box = element.closest('[data-row]')?.getBoundingClientRect();
    const x = pointer?.x || (box?.left ?? 0) + 12;
    const y = pointer?.y || (box?.bottom ?? 0);
    props.onMenu(targetAt(at), { x, y });
  };

  const onClick = (event: MouseEvent) => {
    const at = placeOf(event.target);
    if (at === null) return;
    activate(at);
    const { from, to } = targetAt(at);
    if (from !== null && to !== null) props.onOpen(from, to);
    else openMenu(event.target, at);
  };

  const onContextMenu = (event: MouseEvent) => {
    const at = placeOf(event.target);
    if (at === null) return;
    event.preventDefault();
    activate(at);
    openMenu(event.target, at, { x: event.clientX, y: event.clientY });
  };

  const groups = useMemo(
    () => (grouped ? groupsOf(columns, firstColumn, lastColumn) : []),
    [grouped, columns, firstColumn, lastColumn],
  );
  const headTab = (row: number, column: number) => (place.row === row && place.column === column ? 0 : -1);

  return (
    <div className={styles['scroller']} ref={scrollerRef}>
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table that the keys move in
        role="grid"
        aria-label={props.label}
        aria-rowcount={rows.length + headRows}
        aria-colcount={columns.length + 1}
        className={styles['table']}
        data-compact={compact}
        style={{ width: headWidth + columns.length * columnWidth }}
        tabIndex={activeIsDrawn ? -1 : 0}
        onKeyDown={onKeyDown}
        onClick={onClick}
        onContextMenu={onContextMenu}
        onFocus={(event) => {
          hadFocus.current = true;
          const at = placeOf(event.target);
          if (at !== null && (at.row !== place.row || at.column !== place.column)) activate(at);
        }}
        onBlur={(event) => {
          if (event.relatedTarget !== null) hadFocus.current = false;
        }}
      >
        <colgroup>
          <col style={{ width: headWidth }} />
          {before > 0 && <col style={{ width: before }} />}
          {drawnColumns.map(({ key }) => (
            <col key={key} style={{ width: columnWidth }} />
          ))}
          {after > 0 && <col style={{ width: after }} />}
        </colgroup>
        <thead className={styles['head']}>
          {grouped && (
            <tr aria-rowindex={1} style={{ height: headHeight }}>
              <td className={`${styles['corner']} ${styles['cornerBlank']}`} aria-hidden />
              {before > 0 && <td aria-hidden className={styles['group']} />}
              {groups.map(({ host, start, span }) => (
                <th
                  key={host}
                  scope="colgroup"
                  className={styles['group']}
                  colSpan={span}
                  aria-colindex={start + 2}
                  title={host}
                >
                  {host}
                </th>
              ))}
              {after > 0 && <td aria-hidden className={styles['group']} />}
            </tr>
          )}
          <tr aria-rowindex={headRows} style={{ height: headHeight }}>
            <th
              scope="col"
              className={styles['corner']}
              aria-colindex={1}
              tabIndex={headTab(0, 0)}
              data-row={0}
              data-column={0}
              aria-label="All pairs: rows ask, columns answer"
            >
              from ↓ to →
            </th>
            {before > 0 && <td aria-hidden className={styles['column']} />}
            {drawnColumns.map(({ index }) => {
              const to = columns[index];
              if (to === undefined) return null;
              const name = to.kind === 'pod' ? `${to.name} on ${to.host}` : `host ${to.name}`;
              return (
                <th
                  key={endKey(to)}
                  scope="col"
                  className={styles['column']}
                  aria-colindex={index + 2}
                  aria-label={name}
                  title={name}
                  tabIndex={headTab(0, index + 1)}
                  data-row={0}
                  data-column={index + 1}
                >
                  {shortName(to)}
                </th>
              );
            })}
            {after > 0 && <td aria-hidden className={styles['column']} />}
          </tr>
        </thead>
        <tbody>
          {above > 0 && (
            <tr aria-hidden style={{ height: above }}>
              <td />
            </tr>
          )}
          {drawnRows.map(({ index }, drawn) => {
            const from = rows[index];
            if (from === undefined) return null;
            const groupBegins = from.kind !== 'all' && rows[index - 1]?.host !== from.host;
            return (
              <MatrixRow
                key={endKey(from)}
                from={from}
                row={index + 1}
                rowIndex={index + 1 + headRows}
                height={rowHeight}
                columns={columns}
                firstColumn={firstColumn}
                lastColumn={lastColumn}
                before={before}
                after={after}
                groupBegins={groupBegins}
                showsHost={groupBegins || drawn === 0}
                activeColumn={place.row === index + 1 ? place.column : null}
                chosen={props.chosen?.from === from.name ? props.chosen.to : null}
                shown={shown}
                freshness={freshness}
                range={range}
                measuring={measuring}
                resultsOf={resultsOf}
              />
            );
          })}
          {below > 0 && (
            <tr aria-hidden style={{ height: below }}>
              <td />
            </tr>
          )}
        </tbody>
      </table>
    </div>
  );
}
