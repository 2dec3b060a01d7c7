import { Button, Menu, SegmentedControl, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue, useElementSize } from '@mantine/hooks';
import { IconAlertTriangle, IconSearch, IconTable } from '@tabler/icons-react';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation, useRoute } from 'wouter';
import type { FlatlandError } from '../../contract/error.ts';
import type { ProbeResult, ProbeSelection } from '../../contract/probe.ts';
import { type Command, useCommands } from '../app/commands.ts';
import { places } from '../app/routes.ts';
import { cellKey, type LabState } from '../stream/state.ts';
import { useStream } from '../stream/store.ts';
import { MomentBanner } from '../timeline/moment-banner.tsx';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { Empty } from '../ui/empty.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import { useNow } from '../ui/use-now.ts';
import { cellOf, kinds, kindsOf, type Shown } from './cell.ts';
import { Detail } from './detail.tsx';
import { type End, type Ends, endKey, endsByHost, endsOf, equalEnds, filterEnds } from './ends.ts';
import { equalFreshness, type Freshness, freshnessAt, freshnessOf } from './freshness.ts';
import { Legend, Totals } from './legend.tsx';
import { Matrix, type MatrixHandle, type Target } from './matrix.tsx';
import { useMeasure, useMeasuring } from './measuring.ts';
import styles from './probes.module.css';
import { ScheduleControl, useSchedule } from './schedule.tsx';
import { bundleByHost, hostPairKey, isRed, summarise } from './summary.ts';
import { useResults } from './use-results.ts';

const shownOptions: { value: Shown; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'rtt', label: 'RTT' },
  { value: 'loss', label: 'Loss' },
  { value: 'mtu', label: 'MTU' },
  { value: 'source', label: 'Source' },
  { value: 'port', label: 'Port' },
];

/** A matrix of more pods than this begins with hosts. */
const manyPods = 60;
const clickOutside = ['mousedown', 'touchstart'];
/** How often cells are looked at for whether they have become stale, in ms. */
const stalePace = 15_000;

/** The same value for as long as it is equal, so that what was drawn from it can stay. */
function useStable<T>(value: T, equal: (one: T, other: T) => boolean): T {
  const kept = useRef(value);
  if (!equal(kept.current, value)) kept.current = value;
  return kept.current;
}

function useEnds(state: LabState, past: ReadonlyMap<string, ProbeResult> | null): Ends {
  const { lab, hosts } = state;
  const ends = useMemo(() => endsOf({ lab, hosts }, past?.values()), [lab, hosts, past]);
  return useStable(ends, equalEnds);
}

function useFreshness({ hosts, createdAt }: LabState, moment: number | null): Freshness {
  const now = Math.floor(useNow() / stalePace) * stalePace;
  const live = useMemo(() => freshnessOf({ hosts, createdAt }, now), [hosts, createdAt, now]);
  const stable = useStable(live, equalFreshness);
  return useMemo(() => (moment === null ? stable : freshnessAt(moment)), [moment, stable]);
}

/** The results of one ordered pair, or of everything between two hosts. */
function useLookUp(results: ReadonlyMap<string, ProbeResult>, byHost: boolean) {
  const bundles = useMemo(() => (byHost ? bundleByHost(results.values()) : null), [results, byHost]);
  return useCallback(
    (from: End, to: End): readonly ProbeResult[] => {
      if (from.kind === 'all' || to.kind === 'all')
        return (bundles ?? bundleByHost(results.values())).get(hostPairKey(from.host, to.host)) ?? [];
      const ends = {
        from: { kind: from.kind, name: from.name, host: from.host, address: '' },
        to: { kind: to.kind, name: to.name, host: to.host, address: '' },
      };
      return kinds.flatMap((kind) => results.get(cellKey({ kind, ...ends })) ?? []);
    },
    [results, bundles],
  );
}

/** The two ends that the address of the page names; null for a name that is none (any more). */
function pairOf(ends: Ends, names: { from: string; to: string } | null): { from: End; to: End } | null {
  if (names === null) return null;
  const to = ends.targets.find(({ name }) => name === names.to);
  const from = ends.sources.find(({ name }) => name === names.from);
  if (to !== undefined && from !== undefined) return { from, to };
  const hosts = new Set(ends.sources.map(({ host }) => host));
  if (!hosts.has(names.from) || !hosts.has(names.to)) return null;
  const all = (name: string): End => ({ kind: 'all', name, host: name });
  return { from: all(names.from), to: all(names.to) };
}

/** What is measured for a place of the matrix. There is no selection for all of a host, so there it is all pairs. */
function selectionOf({ from, to }: Target): ProbeSelection {
  const byHost = from?.kind === 'all' || to?.kind === 'all';
  return { from: byHost ? null : (from?.name ?? null), to: byHost ? null : (to?.name ?? null), kinds: null };
}

const nameOf = ({ from, to }: Target): string => {
  if (from !== null && to !== null) return `${from.name} → ${to.name}`;
  if (from !== null) return `all from ${from.name}`;
  return to === null ? 'all pairs' : `all to ${to.name}`;
};

/** Every ordered pair in one table, and one pair in detail. */
export function Probes({ state }: { state: LabState }) {
  const lab = state.lab.name;
  const [, navigate] = useLocation();
  const [, route] = useRoute('/lab/:lab/probes/:from/:to');
  const [shown, setShown] = useState<Shown>('all');
  const [text, setText] = useState('');
  const [search] = useDebouncedValue(text, 120);
  const [onlyRed, setOnlyRed] = useState(false);
  const [scheduleError, setScheduleError] = useState<FlatlandError | null>(null);
  const [menu, setMenu] = useState<{ target: Target; x: number; y: number } | null>(null);
  const [ladderOf, setLadderOf] = useState<string | null>(null);
  const focused = useRef<Target>({ from: null, to: null });
  const grid = useRef<MatrixHandle>(null);
  const searchField = useRef<HTMLInputElement>(null);
  const { ref: rem, width: tenRem } = useElementSize();
  const unit = tenRem > 0 ? tenRem / 10 : 16;

  const { results, moment, pending, error: pastError } = useResults(state);
  const pods = useEnds(state, moment === null ? null : results);
  const [chosenMode, setMode] = useState<'pods' | 'hosts' | null>(null);
  const mode = chosenMode ?? (pods.targets.length > manyPods ? 'hosts' : 'pods');
  const byHost = mode === 'hosts';
  const ends = useMemo(() => (byHost ? endsByHost(pods) : pods), [byHost, pods]);
  const freshness = useFreshness(state, moment);
  const summary = useMemo(() => summarise(results.values(), freshness), [results, freshness]);
  const look = useLookUp(results, byHost);
  const measuring = useMeasuring(lab);
  const { measure, error: measureError, dismiss } = useMeasure(lab);
  const setSchedule = useSchedule(lab, setScheduleError);

  const rows = useMemo(
    () =>
      filterEnds(
        ends.sources,
        search,
        onlyRed ? (end) => isRed(summary, 'sources', endKey(end), kindsOf(shown)) : null,
      ),
    [ends, search, onlyRed, summary, shown],
  );
  const columns = useMemo(
    () =>
      onlyRed
        ? filterEnds(ends.targets, '', (end) => isRed(summary, 'targets', endKey(end), kindsOf(shown)))
        : ends.targets,
    [ends, onlyRed, summary, shown],
  );

  const fromName = route?.from;
  const toName = route?.to;
  const chosen = useMemo(
    () =>
      fromName === undefined || toName === undefined
        ? null
        : { from: decodeURIComponent(fromName), to: decodeURIComponent(toName) },
    [fromName, toName],
  );
  const pair = useMemo(() => pairOf(pods, chosen), [pods, chosen]);
  const pairName = pair === null ? null : `${pair.from.name} ${pair.to.name}`;

  const open = useCallback(
    (from: End, to: End) => {
      if (from.kind === 'pod' && from.name === to.name) return;
      navigate(places.probes(lab, { from: from.name, to: to.name }));
    },
    [navigate, lab],
  );
  const close = useCallback(() => {
    navigate(places.probes(lab));
    setLadderOf(null);
    grid.current?.focus();
  }, [navigate, lab]);
  const measureTarget = useCallback((target: Target) => measure(selectionOf(target)), [measure]);
  const onActive = useCallback((target: Target) => {
    focused.current = target;
  }, []);
  const onMenu = useCallback(
    (target: Target, at: { x: number; y: number }) => setMenu({ target, ...at }),
    [],
  );

  const closeMenu = useCallback(() => {
    setMenu(null);
    grid.current?.focus();
  }, []);

  const toggleLadder = useCallback(() => {
    const { from, to } = pair ?? focused.current;
    if (from === null || to === null || to.kind === 'all') return;
    const name = `${from.name} ${to.name}`;
    if (pairName === name) setLadderOf((now) => (now === name ? null : name));
    else {
      open(from, to);
      setLadderOf(name);
    }
  }, [pair, pairName, open]);

  const commands = useMemo<readonly Command[]>(() => {
    const { schedule } = useStream.getState();
    const onFocused = (only: (target: Target) => Target) => () => measure(selectionOf(only(focused.current)));
    return [
      {
        id: 'probes.repeat',
        label: 'Keep measuring every 5 s, or stop that',
        group: 'Probes',
        keywords: 'repeat schedule continuous every seconds',
        shortcut: 'k',
        perform: () =>
          setSchedule(useStream.getState().schedule === null ? (schedule?.everySeconds ?? 5) : null),
      },
      {
        id: 'probes.ladder',
        label: 'MTU ladder of the pair',
        group: 'Probes',
        keywords: 'path mtu size fragment',
        shortcut: 'm',
        perform: toggleLadder,
      },
      {
        id: 'probes.row',
        label: 'Measure the row',
        group: 'Probes',
        keywords: 'from source run',
        shortcut: 'shift+R',
        perform: onFocused(({ from }) => ({ from, to: null })),
      },
      {
        id: 'probes.column',
        label: 'Measure the column',
        group: 'Probes',
        keywords: 'to target run',
        shortcut: 'shift+C',
        perform: onFocused(({ to }) => ({ from: null, to })),
      },
      {
        id: 'probes.problems',
        label: 'Only problems, or all ends',
        group: 'Probes',
        keywords: 'filter red failed',
        shortcut: 'f',
        perform: () => setOnlyRed((only) => !only),
      },
      {
        id: 'probes.search',
        label: 'Search the matrix by name',
        group: 'Probes',
        shortcut: '/',
        perform: () => searchField.current?.focus(),
      },
      {
        id: 'probes.hosts',
        label: 'Pods or hosts as rows and columns',
        group: 'Probes',
        keywords: 'aggregate group',
        shortcut: 'v',
        perform: () => setMode((now) => ((now ?? mode) === 'hosts' ? 'pods' : 'hosts')),
      },
      {
        id: 'probes.swap',
        label: 'The other direction of the pair',
        group: 'Probes',
        shortcut: 'x',
        perform: () => {
          if (pair !== null && pair.from.kind !== 'host') open(pair.to, pair.from);
        },
      },
    ];
  }, [setSchedule, toggleLadder, measure, open, pair, mode]);
  useCommands(commands);

  // A pair that is opened from elsewhere is where the keys go on.
  useEffect(() => {
    if (pair !== null) focused.current = pair;
  }, [pair]);

  const copyRows = () => [
    ['from \\ to', ...columns.map(({ name }) => name)],
    ...rows.map((from) => [
      from.name,
      ...columns.map((to) => {
        const cell = cellOf(look(from, to), shown, freshness);
        if (cell === null) return from.name === to.name ? '-' : '?';
        return `${cell.failed ? 'FAIL ' : ''}${cell.value}${cell.unit === '' ? '' : ` ${cell.unit}`}${cell.health === 'stale' ? ' (stale)' : ''}`;
      }),
    ]),
  ];
  const copyJson = () => {
    const relevant = kindsOf(shown);
    const asks = new Set(rows.map(endKey));
    const answers = new Set(columns.map(endKey));
    const has = (set: ReadonlySet<string>, end: ProbeResult['from']) =>
      set.has(`${end.kind} ${end.name}`) || set.has(`all ${end.host}`);
    return [...results.values()].filter(
      ({ kind, from, to }) => relevant.includes(kind) && has(asks, from) && has(answers, to),
    );
  };

  const error = measureError ?? scheduleError ?? pastError;
  const filtered = rows.length < ends.sources.length || columns.length < ends.targets.length;
  return (
    <section className={styles['probes']} aria-label="Probes">
      <div className={styles['frame']}>
        <div className={styles['rem']} ref={rem} aria-hidden />
        <div>
          <div className={styles['bar']}>
            <SegmentedControl
              size="xs"
              aria-label="What the cells show"
              data={shownOptions}
              value={shown}
              onChange={(value) =>
                setShown(shownOptions.find((option) => option.value === value)?.value ?? 'all')
              }
            />
            <SegmentedControl
              size="xs"
              aria-label="Rows and columns"
              data={[
                { value: 'pods', label: 'Pods' },
                { value: 'hosts', label: 'Hosts' },
              ]}
              value={mode}
              onChange={(value) => setMode(value === 'hosts' ? 'hosts' : 'pods')}
            />
            <Tooltip label="Only rows and columns with a red cell (f)">
              <Button
                size="xs"
                variant={onlyRed ? 'light' : 'default'}
                leftSection={<IconAlertTriangle size={14} />}
                aria-label="Only problems"
                aria-pressed={onlyRed}
                onClick={() => setOnlyRed(!onlyRed)}
              >
                Problems
              </Button>
            </Tooltip>
            <TextInput
              size="xs"
              className={styles['search'] ?? ''}
              ref={searchField}
              type="search"
              aria-label="Search rows by name"
              placeholder="Host or pod"
              leftSection={<IconSearch size={14} />}
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Escape') {
                  event.stopPropagation();
                  setText('');
                  grid.current?.focus();
                } else if (event.key === 'Enter') grid.current?.focus();
              }}
            />
            <span className={styles['spring']} />
            {measuring.length > 0 && <Status health="working">measuring</Status>}
            <ScheduleControl setSchedule={setSchedule} />
            <CopyMenu label="matrix" rows={copyRows} json={copyJson} />
          </div>
          <div className={styles['facts']}>
            <Totals totals={summary.totals} />
            <Legend shown={shown} range={summary.range} />
          </div>
        </div>
        <div className={styles['notices']}>
          <MomentBanner pending={pending} />
          {error !== null && (
            <ErrorCard
              error={error}
              where="Probes"
              fix={{
                label: 'Dismiss',
                perform: () => {
                  dismiss();
                  setScheduleError(null);
                },
              }}
            />
          )}
        </div>
        <div
          className={styles['body']}
          data-detail={
            pair === null ? 'no' : ladderOf === pairName && pair.to.kind !== 'all' ? 'wide' : 'yes'
          }
        >
          <div className={styles['matrix']}>
            {rows.length === 0 || columns.length === 0 ? (
              <Empty icon={<IconTable size={28} />} title={emptyTitle(ends, onlyRed, search)}>
                {filtered ? (
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() => {
                      setOnlyRed(false);
                      setText('');
                    }}
                  >
                    Show all {count(ends.sources.length, 'row')}
                  </Button>
                ) : (
                  'Start a container on a host, and it becomes a row and a column here.'
                )}
              </Empty>
            ) : (
              <Matrix
                ref={grid}
                label={`Probes of ${lab}, rows ask and columns answer`}
                rows={rows}
                columns={columns}
                unit={unit}
                shown={shown}
                freshness={freshness}
                range={summary.range}
                measuring={measuring}
                resultsOf={look}
                chosen={chosen}
                onOpen={open}
                onMeasure={measureTarget}
                onMenu={onMenu}
                onActive={onActive}
                onEscape={pair !== null && moment === null ? close : null}
              />
            )}
          </div>
          {pair !== null && (
            <div className={styles['detail']}>
              <Detail
                lab={lab}
                from={pair.from}
                to={pair.to}
                there={look(pair.from, pair.to)}
                back={pair.from.kind === 'pod' ? look(pair.to, pair.from) : []}
                freshness={freshness}
                moment={moment}
                history={state.history}
                ladder={ladderOf === pairName}
                onLadder={(wanted) => setLadderOf(wanted ? pairName : null)}
                onMeasure={() => measureTarget(pair)}
                onClose={close}
              />
            </div>
          )}
        </div>
        <p className={styles['hints']}>
          <span>
            <kbd>↑</kbd> <kbd>↓</kbd> <kbd>←</kbd> <kbd>→</kbd> move
          </span>
          <span>
            <kbd>Enter</kbd> measure
          </span>
          <span>
            <kbd>Space</kbd> details
          </span>
          <span>
            <kbd>m</kbd> MTU ladder
          </span>
          <span>
            <kbd>k</kbd> keep measuring
          </span>
          <span>
            <kbd>f</kbd> only problems
          </span>
          <span>
            <kbd>v</kbd> pods or hosts
          </span>
        </p>
      </div>
      {menu !== null && (
        <Menu
          key={`${menu.x} ${menu.y}`}
          opened
          onClose={closeMenu}
          position="bottom-start"
          withinPortal
          withInitialFocusPlaceholder={false}
          // Not keydown, as usual: the key that opens the menu would close it.
          clickOutsideEvents={clickOutside}
          returnFocus={false}
        >
          <Menu.Target>
            <button
              type="button"
              className={styles['anchor']}
              tabIndex={-1}
              aria-label={`What can be done with ${nameOf(menu.target)}`}
              style={{ left: menu.x, top: menu.y }}
            />
          </Menu.Target>
          <Menu.Dropdown>
            <MenuItems target={menu.target} measure={measureTarget} open={open} />
          </Menu.Dropdown>
        </Menu>
      )}
    </section>
  );
}

function emptyTitle({ targets }: Ends, onlyRed: boolean, search: string): string {
  if (targets.length === 0) return 'There is no pod to reach yet';
  if (search.trim() !== '')
    return `No host or pod is called ${JSON.stringify(search.trim())}${onlyRed ? ' among the problems' : ''}`;
  return onlyRed ? 'No problems: no cell is red' : 'Nothing to show';
}

function MenuItems({
  target,
  measure,
  open,
}: {
  target: Target;
  measure: (target: Target) => void;
  open: (from: End, to: End) => void;
}) {
  const { from, to } = target;
  const self = from !== null && to !== null && from.kind === 'pod' && from.name === to.name;
  const byHost = (from ?? to)?.kind === 'all';
  return (
    <>
      <Menu.Label>{nameOf(target)}</Menu.Label>
      {from !== null && to !== null && !self && (
        <>
          {!byHost && <Menu.Item onClick={() => measure(target)}>Measure this pair</Menu.Item>}
          <Menu.Item onClick={() => open(from, to)}>Details</Menu.Item>
        </>
      )}
      {from !== null && !byHost && (
        <Menu.Item onClick={() => measure({ from, to: null })}>Measure all from {from.name}</Menu.Item>
      )}
      {to !== null && (
        <Menu.Item onClick={() => measure({ from: null, to })}>Measure all to {to.name}</Menu.Item>
      )}
      <Menu.Item onClick={() => measure({ from: null, to: null })}>Measure all pairs</Menu.Item>
    </>
  );
}
