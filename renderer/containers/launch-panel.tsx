import { ActionIcon, Autocomplete, Button, Drawer, MultiSelect, NumberInput, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQueries } from '@tanstack/react-query';
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import { builtInImage } from '../../contract/lab.ts';
import { useClient } from '../rpc/use-client.ts';
import type { LabState } from '../stream/state.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { count, formatBytes } from '../ui/format.ts';
import { Status } from '../ui/status.tsx';
import styles from './containers.module.css';
import { type ImageChoice, type LaunchField, type LaunchForm, mergeImages, planLaunch } from './launch.ts';
import { forgetLaunch, type Launch, launchAgain, launchAll, useLaunches } from './launches.ts';
import { splitWords } from './words.ts';

/** Hosts that are asked for their images; the images of a lab's hosts are mostly the same. */
const askedHosts = 8;

const usableHosts = (state: LabState): string[] =>
  [...state.hosts.values()].filter(({ reach }) => reach.kind === 'connected').map(({ name }) => name);

/** The form that launches containers, with how that goes. */
export function LaunchPanel({
  state,
  opened,
  host,
  onClose,
  onLoad,
}: {
  state: LabState;
  opened: boolean;
  /** The host that was asked for; null for the first. */
  host: string | null;
  onClose: () => void;
  onLoad: () => void;
}) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="min(28rem, 100vw)"
      title="Launch containers"
      overlayProps={{ backgroundOpacity: 0.25 }}
    >
      {opened && <Form state={state} host={host} onDone={onClose} onLoad={onLoad} />}
    </Drawer>
  );
}

function Form({
  state,
  host,
  onDone,
  onLoad,
}: {
  state: LabState;
  host: string | null;
  onDone: () => void;
  onLoad: () => void;
}) {
  const client = useClient();
  const hosts = usableHosts(state);
  const [form, setForm] = useState<LaunchForm>(() => ({
    hosts: [host ?? usableHosts(state)[0]].filter((one) => one !== undefined),
    image: builtInImage,
    name: '',
    command: '',
    labels: [],
    perHost: 1,
  }));
  const [tried, setTried] = useState(false);
  const [launching, setLaunching] = useState(false);
  const change = (part: Partial<LaunchForm>) => setForm((known) => ({ ...known, ...part }));
  const taken = useMemo(
    () => new Set([...state.hosts.values()].flatMap(({ status }) => status.pods.map(({ name }) => name))),
    [state.hosts],
  );
  const plan = useMemo(() => planLaunch(state.lab.name, form, taken), [state.lab.name, form, taken]);
  const images = useImages(state.lab.name, form.hosts);
  const problem = (field: LaunchField) => (plan.ok ? undefined : tried && plan.problems[field]);
  const words = splitWords(form.command);
  const total = form.hosts.length * (Number.isInteger(form.perHost) ? form.perHost : 0);
  // While the panel is closed, its launch goes on.
  const shown = useRef(true);
  useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!plan.ok || launching) return;
    setLaunching(true);
    void launchAll(client, plan.requests).then((good) => {
      if (!shown.current) return;
      setLaunching(false);
      if (good) onDone();
    });
  };
  return (
    <form className={styles['form']} onSubmit={submit} noValidate>
      <div className={styles['hosts']}>
        <MultiSelect
          label="Hosts"
          data={hosts}
          value={[...form.hosts]}
          searchable
          hidePickedOptions
          error={problem('hosts')}
          classNames={{ option: styles['option'] ?? '' }}
          onChange={(chosen) => change({ hosts: chosen })}
          maxDropdownHeight={260}
        />
        {form.hosts.length < hosts.length && (
          <Button size="compact-xs" variant="subtle" onClick={() => change({ hosts })}>
            All {hosts.length}
          </Button>
        )}
      </div>
      <Autocomplete
        label="Image"
        description="The built-in one needs no registry; others must be on the host, or its Docker must be able to pull them."
        placeholder={builtInImage}
        classNames={{ option: styles['option'] ?? '' }}
        data={images.map(({ name }) => name)}
        filter={({ options, search }) =>
          images.some(({ name }) => name === search)
            ? options
            : options.filter((option) => 'label' in option && option.label.includes(search.trim()))
        }
        renderOption={({ option }) => (
          <ImageOption choice={images.find(({ name }) => name === option.value)} hosts={form.hosts.length} />
        )}
        value={form.image}
        error={problem('image')}
        onChange={(image) => change({ image })}
      />
      <div className={styles['pair']}>
        <TextInput
          label="Name"
          placeholder="chosen for you"
          data-autofocus
          value={form.name}
          error={problem('name')}
          onChange={({ currentTarget }) => change({ name: currentTarget.value })}
        />
        <NumberInput
          label="How many on each host"
          min={1}
          max={50}
          allowDecimal={false}
          value={form.perHost}
          error={problem('perHost')}
          onChange={(value) => change({ perHost: typeof value === 'number' ? value : Number.NaN })}
        />
      </div>
      <TextInput
        label="Command"
        placeholder="the image's own"
        description="With quotes as in a shell; nothing is expanded."
        classNames={{ input: 'mono' }}
        value={form.command}
        error={problem('command')}
        onChange={({ currentTarget }) => change({ command: currentTarget.value })}
      />
      {words.ok && words.words.length > 1 && (
        <p className={styles['argv']}>
          <span className={styles['unseen']}>The command as its words:</span>
          {words.words.map((word, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the same word may come twice.
            <code key={index}>{word === '' ? '␀' : word}</code>
          ))}
        </p>
      )}
      <Labels form={form} change={change} problem={problem('labels')} />
      <Button type="submit" loading={launching} disabled={hosts.length === 0}>
        Launch {total === 1 ? 'a container' : count(total, 'container')}
      </Button>
      {hosts.length === 0 && <Status health="bad">No host of this lab answers</Status>}
      <Launches onLoad={onLoad} />
    </form>
  );
}

function useImages(lab: string, hosts: readonly string[]): ImageChoice[] {
  const client = useClient();
  const answers = useQueries({
    queries: hosts.slice(0, askedHosts).map((host) => ({
      queryKey: ['images', lab, host],
      queryFn: ({ signal }: { signal: AbortSignal }) => client.images.query({ lab, host }, { signal }),
      staleTime: 15_000,
    })),
  });
  return mergeImages(answers.map(({ data }) => data ?? []));
}

function ImageOption({ choice, hosts }: { choice: ImageChoice | undefined; hosts: number }) {
  if (choice === undefined) return null;
  const asked = Math.min(hosts, askedHosts);
  return (
    <div className={styles['imageOption']}>
      <span>{choice.name}</span>
      <span className={styles['faint']}>
        {choice.name === builtInImage ? 'built-in' : choice.hosts < asked && `on ${choice.hosts} of ${asked}`}
        {choice.bytes !== null && ` ${formatBytes(choice.bytes)}`}
      </span>
    </div>
  );
}

function Labels({
  form,
  change,
  problem,
}: {
  form: LaunchForm;
  change: (part: Partial<LaunchForm>) => void;
  problem: string | false | undefined;
}) {
  const set = (at: number, part: { key?: string; value?: string }) =>
    change({ labels: form.labels.map((label, index) => (index === at ? { ...label, ...part } : label)) });
  return (
    <fieldset className={styles['labels']}>
      <legend>Labels</legend>
      {form.labels.map(({ key, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is known by its place, since its key is being typed.
        <div className={styles['labelRow']} key={index}>
          <TextInput
            size="xs"
            aria-label={`Key of label ${index + 1}`}
            placeholder="key"
            value={key}
            onChange={({ currentTarget }) => set(index, { key: currentTarget.value })}
          />
          <span aria-hidden>=</span>
          <TextInput
            size="xs"
            aria-label={`Value of label ${index + 1}`}
            placeholder="value"
            value={value}
            onChange={({ currentTarget }) => set(index, { value: currentTarget.value })}
          />
          <ActionIcon
            aria-label={`Remove label ${index + 1}`}
            onClick={() => change({ labels: form.labels.filter((_, other) => other !== index) })}
          >
            <IconTrash size={15} />
          </ActionIcon>
        </div>
      ))}
      {problem && <p className={styles['problem']}>{problem}</p>}
      <Button
        size="compact-xs"
        variant="subtle"
        leftSection={<IconPlus size={13} />}
        onClick={() => change({ labels: [...form.labels, { key: '', value: '' }] })}
      >
        Add a label
      </Button>
    </fieldset>
  );
}

/** How what was asked for goes: one line each, and a card for what failed. */
function Launches({ onLoad }: { onLoad: () => void }) {
  const client = useClient();
  const launches = useLaunches((store) => store.launches);
  if (launches.length === 0) return null;
  return (
    <ul className={styles['launches']} aria-label="What was launched">
      {launches.map((launch) => (
        <li key={launch.id}>
          {launch.state.kind === 'failed' ? (
            <>
              <ErrorCard
                error={launch.state.error}
                where={`${launch.request.name ?? 'A container'} on ${launch.request.host}`}
                fix={
                  launch.state.error.code === 'image-unknown'
                    ? { label: 'Load the image from a file', perform: onLoad }
                    : { label: 'Try again', perform: () => launchAgain(client, launch) }
                }
              />
              <Button size="compact-xs" variant="subtle" onClick={() => forgetLaunch(launch.id)}>
                Dismiss
              </Button>
            </>
          ) : (
            <LaunchWords launch={launch} />
          )}
        </li>
      ))}
    </ul>
  );
}

function LaunchWords({ launch: { request, state } }: { launch: Launch }) {
  const name = request.name ?? 'a container';
  switch (state.kind) {
    case 'waiting':
      return <Status health="stale">{`${name} on ${request.host}: waiting`}</Status>;
    case 'running':
      return <Status health="working">{`${name} on ${request.host}: starting`}</Status>;
    case 'done':
      return (
        <Status health="good">{`${state.name} on ${request.host}: ${state.address ?? 'no address yet'}`}</Status>
      );
    case 'failed':
      return null;
  }
}
