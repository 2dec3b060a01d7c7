import { Button, SegmentedControl, TextInput } from '@mantine/core';
import { IconBox, IconFileUpload, IconPlus, IconSearch } from '@tabler/icons-react';
import { type DragEvent, useCallback, useDeferredValue, useEffect, useMemo, useState } from 'react';
import { useSearch } from 'wouter';
import { type Command, useCommands } from '../app/commands.ts';
import type { LabState } from '../stream/state.ts';
import { CopyMenu } from '../ui/copy-menu.tsx';
import { Empty } from '../ui/empty.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import { Keys } from '../ui/keys.tsx';
import { Status } from '../ui/status.tsx';
import styles from './containers.module.css';
import { LaunchPanel } from './launch-panel.tsx';
import { useLaunches } from './launches.ts';
import { LoadImage } from './load-image.tsx';
import { PodTable } from './pod-table.tsx';
import { dismissFailure, usePodWork } from './pod-work.ts';
import {
  type Item,
  itemsOf,
  type Passed,
  podHealth,
  podReader,
  type ShownState,
  type Sort,
  shownStates,
} from './pods.ts';
import { RemoveQuestion } from './remove-question.tsx';
import { useUpload } from './upload.ts';
import { joinWords } from './words.ts';

/** What is laid over the table. */
type Panel =
  | { readonly kind: 'launch'; readonly host: string | null }
  | { readonly kind: 'load'; readonly file: File | null };

/** All containers of a lab by host: what they are and how they are, launched, stopped, looked into. */
export function Containers({ state }: { state: LabState }) {
  const lab = state.lab.name;
  const [read] = useState(podReader);
  const groups = useMemo(() => read(state.hosts.values()), [read, state.hosts]);
  const [search, setSearch] = useState('');
  const [shownState, setShownState] = useState<ShownState>('all');
  const [sort, setSort] = useState<Sort>({ key: 'name', descending: false });
  const [panel, setPanel] = useState<Panel | null>(null);
  const [removing, setRemoving] = useState<string | null>(null);
  const wanted = useDeferredValue(search);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what passed one filter says nothing of another.
  const passed = useMemo<Passed>(() => new WeakMap(), [wanted, shownState, sort]);
  const items = useMemo(
    () => itemsOf(groups, { search: wanted, state: shownState }, sort, passed),
    [groups, wanted, shownState, sort, passed],
  );
  const linked = new URLSearchParams(useSearch()).get('pod');
  useEffect(() => {
    if (linked === null) return;
    setSearch('');
    setShownState('all');
  }, [linked]);

  const all = useMemo(() => groups.flatMap(({ rows }) => rows), [groups]);
  const running = all.filter(({ pod }) => pod.state === 'running').length;
  const launch = useCallback((host: string | null) => setPanel({ kind: 'launch', host }), []);
  const commands = useMemo<Command[]>(
    () => [
      {
        id: 'containers-launch',
        label: 'Launch containers…',
        group: 'Containers',
        keywords: 'run start pod docker',
        shortcut: 'l',
        perform: () => launch(null),
      },
      {
        id: 'containers-load',
        label: 'Load an image from a file…',
        group: 'Containers',
        keywords: 'docker save tar gzip upload',
        perform: () => setPanel({ kind: 'load', file: null }),
      },
    ],
    [launch],
  );
  useCommands(commands);

  const onDrop = (event: DragEvent) => {
    const file = event.dataTransfer.files[0];
    if (file === undefined) return;
    event.preventDefault();
    setPanel({ kind: 'load', file });
  };
  return (
    <section
      className={styles['containers']}
      aria-label="Containers"
      onDragOver={(event) => event.dataTransfer.types.includes('Files') && event.preventDefault()}
      onDrop={onDrop}
    >
      <div className={styles['tools']}>
        <TextInput
          size="xs"
          className={styles['search']}
          aria-label="Containers that contain"
          placeholder="Name, image, address, label…"
          leftSection={<IconSearch size={14} />}
          value={search}
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
          onKeyDown={({ key }) => key === 'Escape' && setSearch('')}
        />
        <SegmentedControl
          size="xs"
          aria-label="State of the containers"
          value={shownState}
          onChange={(value) => setShownState(shownStates.find((one) => one === value) ?? 'all')}
          data={[
            { value: 'all', label: `All ${all.length}` },
            { value: 'running', label: `Running ${running}` },
            { value: 'not running', label: `Not running ${all.length - running}` },
          ]}
        />
        <span className={styles['spring']} />
        <CopyMenu label="containers" rows={() => toText(items)} json={() => toJson(items)} />
        <UploadButton onOpen={() => setPanel({ kind: 'load', file: null })} />
        <Button
          size="xs"
          leftSection={<IconPlus size={15} />}
          rightSection={<Keys shortcut="l" />}
          onClick={() => launch(null)}
        >
          Launch
        </Button>
      </div>
      <Failures />
      {panel?.kind !== 'launch' && <LaunchLine onShow={() => launch(null)} />}
      {all.length === 0 ? (
        <Empty icon={<IconBox size={28} />} title="No container runs in this lab">
          <Button size="sm" onClick={() => launch(null)}>
            Launch a container
          </Button>
        </Empty>
      ) : items.length === 0 ? (
        <Empty icon={<IconSearch size={28} />} title="No container is like that">
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              setSearch('');
              setShownState('all');
            }}
          >
            Show all {all.length}
          </Button>
        </Empty>
      ) : (
        <PodTable
          lab={lab}
          items={items}
          sort={sort}
          onSort={setSort}
          linked={linked}
          onLaunch={launch}
          onRemove={setRemoving}
        />
      )}
      <LaunchPanel
        state={state}
        opened={panel?.kind === 'launch'}
        host={panel?.kind === 'launch' ? panel.host : null}
        onClose={() => setPanel(null)}
        onLoad={() => setPanel({ kind: 'load', file: null })}
      />
      <LoadImage
        state={state}
        opened={panel?.kind === 'load'}
        file={panel?.kind === 'load' ? panel.file : null}
        onClose={() => setPanel(null)}
      />
      <RemoveQuestion
        lab={lab}
        pod={all.find(({ pod }) => pod.name === removing)?.pod ?? null}
        onClose={() => setRemoving(null)}
      />
    </section>
  );
}

/** The way to load an image, which says how far that is while it goes on. */
function UploadButton({ onOpen }: { onOpen: () => void }) {
  const upload = useUpload((store) => store.upload);
  return (
    <Button size="xs" variant="default" leftSection={<IconFileUpload size={15} />} onClick={onOpen}>
      {upload.kind === 'sending'
        ? `Sending ${Math.floor((100 * upload.sent) / Math.max(1, upload.bytes))} %`
        : 'Load image…'}
    </Button>
  );
}

/** What was asked of containers and did not happen, each until it is dismissed or tried again. */
function Failures() {
  const failures = usePodWork((work) => work.failures);
  return failures.map(({ key, title, error, again }) => (
    <div className={styles['failure']} key={key}>
      <ErrorCard error={error} where={title} fix={{ label: 'Try again', perform: again }} />
      <Button size="compact-xs" variant="subtle" onClick={() => dismissFailure(key)}>
        Dismiss
      </Button>
    </div>
  ));
}

/** How the launch goes while its panel is closed. */
function LaunchLine({ onShow }: { onShow: () => void }) {
  const launches = useLaunches((store) => store.launches);
  const failed = launches.filter(({ state }) => state.kind === 'failed').length;
  const going = launches.filter(({ state }) => state.kind === 'running' || state.kind === 'waiting').length;
  if (going === 0 && failed === 0) return null;
  return (
    <div className={styles['going']} role="status">
      {going > 0 && <Status health="working">Launching {count(going, 'container')}</Status>}
      {failed > 0 && <Status health="bad">{count(failed, 'container')} could not be launched</Status>}
      <Button size="compact-xs" variant="subtle" onClick={onShow}>
        Show
      </Button>
    </div>
  );
}

function toText(items: readonly Item[]): string[][] {
  const rows = items.flatMap((item) =>
    item.kind === 'pod'
      ? [
          [
            item.row.host,
            item.row.pod.name,
            podHealth(item.row).word,
            item.row.pod.address ?? '–',
            item.row.pod.image,
            joinWords(item.row.pod.command ?? []),
          ],
        ]
      : [],
  );
  return [['HOST', 'NAME', 'STATE', 'ADDRESS', 'IMAGE', 'COMMAND'], ...rows];
}

const toJson = (items: readonly Item[]) =>
  items.flatMap((item) => (item.kind === 'pod' ? [item.row.pod] : []));
