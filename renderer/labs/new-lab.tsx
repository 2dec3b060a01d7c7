import { Button, Loader, Menu } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertCircle, IconChevronDown, IconPlayerPlay, IconRotate2 } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useSearch } from 'wouter';
import type { CheckResult, FileProblem } from '../../contract/request.ts';
import { type Command, useCommands } from '../app/commands.ts';
import { goTo } from '../app/location.ts';
import { places } from '../app/routes.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { Empty } from '../ui/empty.tsx';
import { ErrorCard, type Fix } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import { Keys } from '../ui/keys.tsx';
import { WithCode } from '../ui/with-code.tsx';
import { changesOf } from './changes.ts';
import { editText, type LabEdit, readForm } from './document.ts';
import { type DraftOrigin, dropDraft, keepDraft, originOf, readDraft } from './draft.ts';
import { Editor, type EditorHandle } from './editor.tsx';
import { Form } from './form.tsx';
import { freeLabName } from './health.ts';
import styles from './new-lab.module.css';
import { PlanPanel } from './plan-panel.tsx';
import { proposedRange } from './range-fix.ts';
import { samples } from './samples.ts';
import { useBegin } from './use-begin.ts';

const path = 'lab.yaml';
const noProblems: readonly FileProblem[] = [];

/** A new lab, or another shape of one that exists: form and text side by side, and what would come of it. */
export function NewLab() {
  const query = useSearch();
  const origin = useMemo(() => originOf(new URLSearchParams(query)), [query]);
  const ready = useStream((stream) => stream.ready);
  if (!ready) return <Empty page title="Getting ready" icon={<Loader size="sm" />} />;
  return origin.kind === 'lab' ? (
    <Existing key={origin.lab} lab={origin.lab} />
  ) : (
    <Fresh key={origin.kind === 'sample' ? origin.sample : ''} origin={origin} />
  );
}

function Existing({ lab }: { lab: string }) {
  const client = useClient();
  const text = useQuery({
    queryKey: ['describe', lab],
    queryFn: () => client.describe.query({ lab }),
    gcTime: 0,
  });
  if (text.isPending) return <Empty page title={`Reading ${lab}`} icon={<Loader size="sm" />} />;
  if (text.isError)
    return (
      <div className={styles['failed']}>
        <ErrorCard
          error={toError(text.error)}
          where={`Reading ${lab}`}
          fix={{ label: 'Read it again', perform: () => void text.refetch() }}
        />
      </div>
    );
  return <Workbench origin={{ kind: 'lab', lab }} original={text.data} />;
}

/** A sample's text under a name that no lab has, so that a new lab never changes one that exists. */
function Fresh({ origin }: { origin: Exclude<DraftOrigin, { kind: 'lab' }> }) {
  const labs = useStream((stream) => stream.labs);
  const [original] = useState(() => {
    const sample = samples.find(({ id }) => origin.kind === 'sample' && id === origin.sample) ?? samples[0];
    const text = sample?.text ?? '';
    const name = readForm(text)?.name ?? 'flatland';
    const free = freeLabName(
      labs.map((lab) => lab.name),
      name,
    );
    return free === name ? text : editText(text, { kind: 'name', value: free });
  });
  return <Workbench origin={origin} original={original} />;
}

function Workbench({ origin, original }: { origin: DraftOrigin; original: string }) {
  const [text, setText] = useState(() => readDraft(origin) ?? original);
  useEffect(() => keepDraft(origin, text, original), [origin, text, original]);
  const editor = useRef<EditorHandle>(null);
  const form = useMemo(() => readForm(text), [text]);
  const edit = useCallback((change: LabEdit) => setText((before) => editText(before, change)), []);
  const check = useCheck(text);
  const { busy, error, begin, dismiss } = useBegin();
  const result = check.data;
  const file = result === undefined || result.kind === 'problems' ? null : result.file;
  const existing = useStream((stream) => file !== null && stream.labs.some(({ name }) => name === file.name));
  const before = useFileOf(existing && file !== null ? file.name : null);
  const changes = useMemo(
    () => (existing && before !== null && file !== null ? changesOf(before, file) : null),
    [existing, before, file],
  );
  const ready = result?.kind === 'plan' && !check.stale && !busy;
  const label = existing || (origin.kind === 'lab' && file === null) ? 'Apply changes' : 'Bring it up';
  const submit = useCallback(() => {
    if (!ready || file === null) return;
    dropDraft(origin);
    begin(file.name, { kind: 'file', path, text });
  }, [ready, file, origin, begin, text]);
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'new-lab.up',
        label,
        group: 'Lab',
        keywords: 'start up apply',
        shortcut: 'mod+Enter',
        perform: submit,
      },
    ],
    [label, submit],
  );
  useCommands(commands);
  const problems = result?.kind === 'problems' ? result.problems : noProblems;

  return (
    <div className={styles['page']}>
      <header className={styles['head']}>
        <div className={styles['title']}>
          <h1>{origin.kind === 'lab' ? `Edit ${origin.lab}` : 'New lab'}</h1>
          {text !== original && (
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              leftSection={<IconRotate2 size={13} aria-hidden />}
              onClick={() => setText(original)}
            >
              Undo all edits
            </Button>
          )}
        </div>
        {origin.kind !== 'lab' && <SampleMenu />}
        <Button
          leftSection={<IconPlayerPlay size={15} aria-hidden />}
          rightSection={<Keys shortcut="mod+Enter" />}
          disabled={!ready}
          loading={busy}
          onClick={submit}
        >
          {label}
        </Button>
      </header>
      {error && <ErrorCard error={error} where={label} onDismiss={dismiss} />}
      {origin.kind === 'lab' && file !== null && file.name !== origin.lab && (
        <p className={styles['notice']}>
          The name is another: this brings up a lab {file.name} beside {origin.lab}, which stays as it is.
        </p>
      )}
      {origin.kind !== 'lab' && existing && file !== null && (
        <p className={styles['notice']}>There is a lab {file.name} already: this changes it.</p>
      )}
      <div className={styles['split']}>
        <div className={styles['form']}>
          {form === null ? (
            <p className={styles['unreadable']}>
              The text is no YAML just now. The form comes back when it is.
            </p>
          ) : (
            <Form form={form} edit={edit} />
          )}
        </div>
        <div className={styles['editor']}>
          <Editor ref={editor} text={text} onChange={setText} problems={problems} onSubmit={submit} />
          {problems.length > 0 && (
            <Problems problems={problems} onGo={(problem) => editor.current?.goTo(problem)} />
          )}
        </div>
      </div>
      <div aria-live="polite" className={styles['outcome']}>
        <Outcome
          result={result}
          failed={check.error}
          stale={check.stale}
          changes={changes}
          edit={edit}
          retry={check.retry}
        />
      </div>
    </div>
  );
}

function Outcome({
  result,
  failed,
  stale,
  changes,
  edit,
  retry,
}: {
  result: CheckResult | undefined;
  failed: unknown;
  stale: boolean;
  changes: Parameters<typeof PlanPanel>[0]['changes'];
  edit: (change: LabEdit) => void;
  retry: () => void;
}) {
  if (failed !== null)
    return (
      <ErrorCard
        error={toError(failed)}
        where="Checking the lab file"
        fix={{ label: 'Check it again', perform: retry }}
      />
    );
  if (result === undefined) return <p className={styles['quiet']}>Working out what it will do…</p>;
  switch (result.kind) {
    case 'plan':
      return <PlanPanel plan={result.plan} changes={changes} stale={stale} />;
    case 'problems':
      return (
        <p className={styles['quiet']}>
          {count(result.problems.length, 'thing')} to correct in the lab file; then the plan shows here.
        </p>
      );
    case 'impossible': {
      const proposal = proposedRange(result.error);
      const fix: Fix =
        proposal === null
          ? { label: 'Check it again', perform: retry }
          : { label: `Use ${proposal.value}`, perform: () => edit(proposal) };
      return <ErrorCard error={result.error} where="This machine cannot do that" fix={fix} />;
    }
  }
}

function Problems({
  problems,
  onGo,
}: {
  problems: readonly FileProblem[];
  onGo: (problem: FileProblem) => void;
}) {
  return (
    <ul className={styles['problems']} aria-label="Problems">
      {problems.map((problem) => (
        <li key={`${problem.line} ${problem.column} ${problem.message}`}>
          <button type="button" onClick={() => onGo(problem)}>
            <IconAlertCircle size={15} aria-hidden />
            <span className={styles['where']}>
              {problem.line}:{problem.column}
            </span>
            <span>
              <WithCode text={problem.message} />
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function SampleMenu() {
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
          Samples
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {samples.map(({ id, title }) => (
          <Menu.Item key={id} onClick={() => goTo(places.create({ sample: id }))}>
            {title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** What is to be said of the text, a moment after it was last typed in; `stale` while that is about an earlier text. */
function useCheck(text: string) {
  const client = useClient();
  const [settled] = useDebouncedValue(text, 250);
  const answer = useQuery({
    queryKey: ['check', settled],
    queryFn: () => client.check.query({ path, text: settled }),
    placeholderData: keepPreviousData,
    // What the machine can do changes by itself, so that a text is checked anew each time.
    staleTime: 0,
    gcTime: 0,
  });
  return {
    data: answer.data,
    error: answer.isError ? answer.error : null,
    stale: settled !== text || answer.isPlaceholderData || answer.isPending,
    retry: () => void answer.refetch(),
  };
}

/** The lab file of a lab that exists, as it is now. */
function useFileOf(lab: string | null) {
  const client = useClient();
  const answer = useQuery({
    queryKey: ['file', lab],
    enabled: lab !== null,
    gcTime: 0,
    queryFn: async () =>
      lab === null ? null : client.check.query({ path, text: await client.describe.query({ lab }) }),
  });
  const checked = answer.data ?? null;
  return checked === null || checked.kind === 'problems' ? null : checked.file;
}
