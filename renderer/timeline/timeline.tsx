import { Button, Menu, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedValue, useElementSize } from '@mantine/hooks';
import { IconCheck, IconFilter, IconSearch, IconTimeline } from '@tabler/icons-react';
import { useMemo, useRef, useState } from 'react';
import type { HistoryEntry, HistorySubject } from '../../contract/history.ts';
import { type Command, useCommands } from '../app/commands.ts';
import type { LabState } from '../stream/state.ts';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { Empty } from '../ui/empty.tsx';
import { TimeCanvas, useWindow } from './canvas.tsx';
import type { Lane } from './draw.ts';
import { everything, filterHistory, type HistoryFilter } from './filter.ts';
import { joinIntervals, redIntervals } from './intervals.ts';
import { HistoryList } from './list.tsx';
import { MomentBanner } from './moment-banner.tsx';
import { RangeButtons } from './range-buttons.tsx';
import { useGoToEntry } from './strip.tsx';
import { levelNames, nameOf, subjects } from './subjects.ts';
import styles from './timeline.module.css';

/** The lanes that have entries, each with its own. */
function useLanes(history: readonly HistoryEntry[]): readonly Lane[] {
  return useMemo(() => {
    const own = new Map<HistorySubject, HistoryEntry[]>();
    for (const entry of history) {
      const lane = own.get(entry.subject);
      if (lane === undefined) own.set(entry.subject, [entry]);
      else lane.push(entry);
    }
    const red = redIntervals(history);
    return subjects.flatMap(({ subject, name }) => {
      const lane = own.get(subject);
      if (lane === undefined) return [];
      return [
        { name, history: lane, red: joinIntervals(red.filter(({ entry }) => entry.subject === subject)) },
      ];
    });
  }, [history]);
}

function SubjectMenu({
  chosen,
  choose,
}: {
  chosen: HistoryFilter['subjects'];
  choose: (subjects: HistoryFilter['subjects']) => void;
}) {
  const toggle = (subject: HistorySubject) => {
    const next = new Set(chosen ?? []);
    if (next.has(subject)) next.delete(subject);
    else next.add(subject);
    choose(next.size === 0 ? null : next);
  };
  const words = chosen === null ? 'All subjects' : [...chosen].map(nameOf).join(', ');
  return (
    <Menu closeOnItemClick={false} position="bottom-start" withinPortal>
      <Menu.Target>
        <Button
          size="xs"
          variant={chosen === null ? 'default' : 'light'}
          leftSection={<IconFilter size={14} />}
        >
          {words}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => choose(null)} leftSection={<Tick on={chosen === null} />}>
          All subjects
        </Menu.Item>
        <Menu.Divider />
        {subjects.map(({ subject, name }) => (
          <Menu.Item
            key={subject}
            onClick={() => toggle(subject)}
            leftSection={<Tick on={chosen?.has(subject) ?? false} />}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

const Tick = ({ on }: { on: boolean }) => (
  <span style={{ display: 'inline-block', width: 14 }}>
    {on && <IconCheck size={14} aria-label="chosen" />}
  </span>
);

const levels = ['bad', 'warning', 'good', 'neutral'] as const;

/** Everything that happened in a lab: a lane for each subject, and the list of it all. */
export function Timeline({ state }: { state: LabState }) {
  const { history, lab, hosts } = state;
  const [filter, setFilter] = useState<HistoryFilter>(everything);
  const [text] = useDebouncedValue(filter.text, 120);
  const { subjects: chosenSubjects, level, host } = filter;
  const entries = useMemo(
    () => filterHistory(history, { subjects: chosenSubjects, level, host, text }),
    [history, chosenSubjects, level, host, text],
  );
  const lanes = useLanes(entries);
  const { window, now } = useWindow(history);
  const goTo = useGoToEntry(lab.name);
  const searchField = useRef<HTMLInputElement>(null);
  const { ref: rem, width: tenRem } = useElementSize();
  const unit = tenRem > 0 ? tenRem / 10 : 16;
  const change = (part: Partial<HistoryFilter>) => setFilter((now) => ({ ...now, ...part }));
  const hostNames = useMemo(
    () => [...new Set([...lab.hosts.map(({ name }) => name), ...hosts.keys()])],
    [lab.hosts, hosts],
  );

  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'timeline.search',
        label: 'Search the timeline',
        group: 'View',
        shortcut: '/',
        perform: () => searchField.current?.focus(),
      },
    ],
    [],
  );
  useCommands(commands);

  if (history.length === 0)
    return (
      <Empty icon={<IconTimeline size={28} />} title="Nothing has happened yet">
        Everything that happens in this lab is kept here: steps, hosts, leases, pods, and pairs that turn red.
      </Empty>
    );
  return (
    <section className={styles['timeline']} aria-label="Timeline">
      <div className={styles['bar']}>
        <div className={styles['rem']} ref={rem} aria-hidden />
        <RangeButtons window={window} now={now} />
        <span className={styles['spring']} />
        <SubjectMenu chosen={chosenSubjects} choose={(chosen) => change({ subjects: chosen })} />
        <NativeSelect
          size="xs"
          aria-label="Level"
          value={level ?? ''}
          onChange={({ currentTarget: { value } }) =>
            change({ level: levels.find((one) => one === value) ?? null })
          }
          data={[
            { value: '', label: 'All levels' },
            ...levels.map((value) => ({ value, label: levelNames[value] })),
          ]}
        />
        <NativeSelect
          size="xs"
          aria-label="Host"
          value={host ?? ''}
          onChange={({ currentTarget: { value } }) => change({ host: value === '' ? null : value })}
          data={[
            { value: '', label: 'All hosts' },
            ...hostNames.map((name) => ({ value: name, label: name })),
          ]}
        />
        <TextInput
          size="xs"
          type="search"
          ref={searchField}
          className={styles['search'] ?? ''}
          aria-label="Search events"
          placeholder="Search"
          leftSection={<IconSearch size={14} />}
          value={filter.text}
          onChange={({ currentTarget: { value } }) => change({ text: value })}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.stopPropagation();
            change({ text: '' });
          }}
        />
        <span className={styles['number']} role="status">
          {entries.length === history.length
            ? `${history.length.toLocaleString('en')} events`
            : `${entries.length.toLocaleString('en')} of ${history.length.toLocaleString('en')} events`}
        </span>
        <CopyMenu
          label="events"
          rows={() => [
            ['time', 'level', 'subject', 'host', 'what', 'detail'],
            ...entries.map((entry) => [
              entry.at,
              entry.level,
              entry.subject,
              entry.host ?? '',
              entry.title,
              (entry.detail ?? '').replaceAll(/\s+/g, ' '),
            ]),
          ]}
          json={() => entries}
        />
      </div>
      <div className={styles['notice']}>
        <MomentBanner />
      </div>
      <div
        className={styles['lanes']}
        style={{ height: `calc(${Math.max(1, lanes.length)} * var(--lane) + 1.4rem)` }}
      >
        <TimeCanvas
          label={`Moment shown of ${lab.name}`}
          history={entries}
          lanes={lanes}
          margin={6.5}
          onEntry={goTo}
        />
      </div>
      {entries.length === 0 ? (
        <Empty title="No event is like that">
          <Button size="xs" variant="default" onClick={() => setFilter(everything)}>
            Show all {history.length.toLocaleString('en')}
          </Button>
        </Empty>
      ) : (
        <HistoryList lab={lab.name} entries={entries} unit={unit} onEntry={goTo} />
      )}
    </section>
  );
}
