import { ActionIcon, Autocomplete, Button, TextInput } from '@mantine/core';
import {
  IconArrowBarToDown,
  IconEraser,
  IconSearch,
  IconTextWrap,
  IconTextWrapDisabled,
  IconX,
} from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useClient } from '../rpc/use-client.ts';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import styles from './drawer.module.css';
import { drawerKey } from './keys.ts';
import { feedOf, type LogState } from './log-feed.ts';
import { cutAtHits, type LogLine } from './log-lines.ts';
import { Notice } from './notice.tsx';
import { onMac } from './platform.ts';
import { changeLog, type LogSource, serveFocus, useTabs } from './tabs.ts';

const services = ['console', 'etcd', 'agent', 'docker', 'containerd'];

/** A log: its lines as they come, which of them are shown, and where it stands. */
export function LogPane({ id, source }: { id: string; source: LogSource }) {
  const client = useClient();
  const feed = useMemo(() => feedOf(client, id, source), [client, id, source]);
  const view = useSyncExternalStore(feed.listen, feed.view);
  const [search, setSearch] = useState('');
  const [wrap, setWrap] = useState(true);
  const [follow, setFollow] = useState(true);
  const wanted = useDeferredValue(search.trim().toLowerCase());
  const lines = useMemo(
    () =>
      wanted === ''
        ? view.text.lines
        : view.text.lines.filter(({ text }) => text.toLowerCase().includes(wanted)),
    [view.text.lines, wanted],
  );
  const field = useRef<HTMLInputElement>(null);
  const focus = useTabs((tabs) => tabs.focus);
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    serveFocus(focus, () => list.current?.focus());
  }, [focus]);
  const { state } = view;
  const name = source.kind === 'host' ? `${source.service} of ${source.host}` : source.pod;

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it passes on the keys of what is inside.
    <div
      className={styles['pane']}
      onKeyDown={(event) => {
        if (drawerKey(event.nativeEvent, onMac)?.kind !== 'find') return;
        event.preventDefault();
        field.current?.select();
      }}
    >
      <div className={styles['tools']}>
        {source.kind === 'host' && <ServiceChoice source={source} onChoice={(next) => changeLog(id, next)} />}
        <TextInput
          ref={field}
          size="xs"
          className={styles['filter']}
          aria-label={`Lines of ${name} that contain`}
          placeholder="Lines that contain…"
          leftSection={<IconSearch size={14} />}
          rightSection={
            search !== '' && (
              <ActionIcon size="xs" aria-label="Show all lines" onClick={() => setSearch('')}>
                <IconX size={14} />
              </ActionIcon>
            )
          }
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
          onKeyDown={({ key }) => key === 'Escape' && setSearch('')}
        />
        <span className={styles['found']} role="status">
          {wanted === ''
            ? `${view.text.lines.length.toLocaleString()} lines`
            : `${lines.length.toLocaleString()} of ${view.text.lines.length.toLocaleString()}`}
        </span>
        <span className={styles['spring']} />
        <Button
          size="compact-xs"
          variant={follow ? 'light' : 'default'}
          leftSection={<IconArrowBarToDown size={14} />}
          aria-pressed={follow}
          onClick={() => setFollow(!follow)}
        >
          Follow
        </Button>
        <ActionIcon
          size="sm"
          aria-label="Wrap long lines"
          title="Wrap long lines"
          aria-pressed={wrap}
          onClick={() => setWrap(!wrap)}
        >
          {wrap ? <IconTextWrap size={16} /> : <IconTextWrapDisabled size={16} />}
        </ActionIcon>
        <CopyMenu
          label={`log of ${name}`}
          rows={() => lines.map(({ text }) => [text])}
          json={() => ({ source, lines: lines.map(({ text }) => text) })}
        />
        <ActionIcon size="sm" aria-label="Clear" title="Clear" onClick={feed.clear}>
          <IconEraser size={16} />
        </ActionIcon>
      </div>
      {state.kind === 'failed' ? (
        <div className={styles['failure']}>
          <ErrorCard
            error={state.error}
            where={`Log of ${name}`}
            fix={{ label: 'Try again', perform: feed.restart }}
          />
        </div>
      ) : (
        <Lines
          // Other lines and another way to lay them out have other heights.
          key={`${id} ${wrap} ${wanted}`}
          lines={lines}
          wanted={wanted}
          wrap={wrap}
          follow={follow}
          onFollow={setFollow}
          label={`Log of ${name}`}
          list={list}
          empty={emptyWords(state, wanted, view.text.lines.length)}
        />
      )}
      <State state={state} restart={feed.restart} />
    </div>
  );
}

function emptyWords(state: LogState, wanted: string, all: number): string {
  if (wanted !== '' && all > 0) return 'No line contains that.';
  return state.kind === 'waiting' ? 'Waiting for the log…' : 'Nothing has been logged yet.';
}

function State({ state, restart }: { state: LogState; restart: () => void }) {
  if (state.kind === 'ended')
    return (
      <Notice health="stale" action={{ label: 'Read again', perform: restart }}>
        The log ended
      </Notice>
    );
  if (state.kind === 'lost')
    return (
      <Notice health="bad" action={{ label: 'Try again', perform: restart }}>
        Lost: {state.reason}
      </Notice>
    );
  return null;
}

function ServiceChoice({
  source,
  onChoice,
}: {
  source: Extract<LogSource, { kind: 'host' }>;
  onChoice: (source: LogSource) => void;
}) {
  const [text, setText] = useState(source.service);
  useEffect(() => setText(source.service), [source.service]);
  const choose = (service: string) => {
    const name = service.trim();
    if (name !== '' && name !== source.service) onChoice({ ...source, service: name });
  };
  return (
    <Autocomplete
      size="xs"
      className={styles['service']}
      classNames={{ option: styles['option'] ?? '' }}
      aria-label={`Service or systemd unit of ${source.host}`}
      data={services}
      // All services are offered, whatever the text is.
      filter={({ options }) => options}
      value={text}
      onChange={setText}
      onOptionSubmit={choose}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.defaultPrevented) choose(text);
      }}
      onBlur={() => setText(source.service)}
    />
  );
}

const Line = memo(function Line({ line, wanted }: { line: LogLine; wanted: string }) {
  return (
    <>
      <span className={styles['lineNumber']} aria-hidden>
        {line.number}
      </span>
      <span className={styles['lineText']}>
        {cutAtHits(line.text, wanted).map(({ text, hit }, index) =>
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line have no other name.
          hit ? <mark key={index}>{text}</mark> : text,
        )}
      </span>
    </>
  );
});

function Lines({
  lines,
  wanted,
  wrap,
  follow,
  onFollow,
  label,
  list,
  empty,
}: {
  lines: readonly LogLine[];
  wanted: string;
  wrap: boolean;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  label: string;
  list: React.RefObject<HTMLElement | null>;
  empty: string;
}) {
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => list.current,
    estimateSize: () => 20,
    overscan: 20,
    getItemKey: (index) => lines[index]?.number ?? index,
  });
  const last = lines.at(-1)?.number;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new last line is what is followed.
  useEffect(() => {
    if (follow && lines.length > 0) rows.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, last]);
  const top = useRef(0);
  return (
    <section
      className={styles['lines']}
      ref={list}
      aria-label={label}
      data-wrap={wrap}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        const atEnd = scrollHeight - scrollTop - clientHeight < 24;
        // Only a reader scrolls upwards: then it stays where it is, until the end is gone to again.
        if (follow && scrollTop < top.current - 4 && !atEnd) onFollow(false);
        if (!follow && atEnd && scrollTop > top.current) onFollow(true);
        top.current = scrollTop;
      }}
    >
      {lines.length === 0 ? (
        <p className={styles['nothing']}>{empty}</p>
      ) : (
        <div className={styles['roll']} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ key, index, start }) => {
            const line = lines[index];
            return (
              line !== undefined && (
                <div
                  key={key}
                  data-index={index}
                  ref={rows.measureElement}
                  className={styles['line']}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  <Line line={line} wanted={wanted} />
                </div>
              )
            );
          })}
        </div>
      )}
    </section>
  );
}
