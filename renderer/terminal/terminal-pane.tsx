import { ActionIcon, Button, Group, Modal, TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconX } from '@tabler/icons-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import type { Terminal } from '../../contract/live.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { count } from '../ui/format.ts';
import styles from './drawer.module.css';
import { drawerKey } from './keys.ts';
import { Notice } from './notice.tsx';
import { reopen } from './open.ts';
import { onOneLine, type Paste } from './paste.ts';
import { onMac } from './platform.ts';
import { type Hits, type Session, sessionOf } from './session.ts';
import { serveFocus, useTabs } from './tabs.ts';

/** A terminal: what it prints, its search, and where it stands. */
export function TerminalPane({ terminal, orphan }: { terminal: Terminal; orphan: boolean }) {
  const client = useClient();
  const session = useMemo(() => sessionOf(client, terminal.id), [client, terminal.id]);
  const place = useRef<HTMLDivElement>(null);
  const focus = useTabs((tabs) => tabs.focus);
  const [paste, setPaste] = useState<Paste | null>(null);
  const [searching, setSearching] = useState(false);
  const [hits, setHits] = useState<Hits>({ index: null, count: 0 });
  const opening = useOpening(terminal, orphan);
  const reopenNow = useRef(opening.perform);
  reopenNow.current = opening.perform;

  useEffect(() => {
    if (place.current === null) return;
    session.show(place.current, { paste: setPaste, reopen: () => reopenNow.current(), hits: setHits });
    return () => session.hide();
  }, [session]);
  useEffect(() => {
    serveFocus(focus, () => session.focus());
  }, [session, focus]);

  const endSearch = () => {
    setSearching(false);
    session.endSearch();
    session.focus();
  };
  const endPaste = (text: string | null) => {
    setPaste(null);
    if (text !== null) session.paste(text);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it passes on the keys of what is inside.
    <div
      className={styles['pane']}
      onKeyDown={(event) => {
        const key = drawerKey(event.nativeEvent, onMac);
        if (key?.kind === 'find') setSearching(true);
        else if (key?.kind === 'copy') session.copy();
        else return;
        event.preventDefault();
      }}
    >
      {searching && <Search session={session} hits={hits} onEnd={endSearch} />}
      <div className={styles['screen']} ref={place} data-own-keys />
      <State terminal={terminal} opening={opening} />
      <Modal
        opened={paste !== null}
        onClose={() => endPaste(null)}
        title={`Paste ${count(paste?.lines.length ?? 0, 'line')}?`}
        returnFocus={false}
        onExitTransitionEnd={() => session.focus()}
        closeButtonProps={{ 'aria-label': 'Cancel' }}
      >
        <p className={styles['ask']}>A shell may run each line as soon as it arrives.</p>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
        <pre className={styles['preview']} tabIndex={0}>
          {paste?.lines.slice(0, 200).join('\n')}
        </pre>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => endPaste(null)}>
            Cancel
          </Button>
          <Button variant="default" onClick={() => endPaste(paste && onOneLine(paste))}>
            Paste as one line
          </Button>
          <Button data-autofocus onClick={() => endPaste(paste?.text ?? null)}>
            Paste
          </Button>
        </Group>
      </Modal>
    </div>
  );
}

interface Opening {
  readonly busy: boolean;
  readonly error: FlatlandError | null;
  readonly perform: () => void;
}

/** Opens a terminal again; `busy` until the stream says that it is open. */
function useOpening(terminal: Terminal, orphan: boolean): Opening {
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<FlatlandError | null>(null);
  return {
    busy,
    error,
    perform: () => {
      if (busy || (terminal.state.kind === 'open' && !orphan)) return;
      setBusy(true);
      setError(null);
      reopen(client, terminal, orphan)
        .catch((thrown: unknown) => setError(toError(thrown)))
        .finally(() => setBusy(false));
    },
  };
}

function State({ terminal, opening }: { terminal: Terminal; opening: Opening }) {
  const door = useStream((stream) => stream.door.kind);
  const action = { label: 'Reopen ↵', perform: opening.perform, busy: opening.busy };
  const { state } = terminal;
  if (door === 'lost')
    return <Notice health="stale">Flatland does not answer; what you type goes nowhere until it does</Notice>;
  if (opening.error !== null && state.kind !== 'open')
    return (
      <Notice health="bad" action={action}>
        Not opened: {opening.error.message}
      </Notice>
    );
  switch (state.kind) {
    case 'open':
      return null;
    case 'ended':
      return (
        <Notice health={state.code === 0 ? 'stale' : 'warning'} action={action}>
          Ended with {state.code}
        </Notice>
      );
    case 'lost':
      return (
        <Notice health="bad" action={action}>
          Lost: {state.reason}
        </Notice>
      );
  }
}

function Search({ session, hits, onEnd }: { session: Session; hits: Hits; onEnd: () => void }) {
  const [text, setText] = useState('');
  const found = hits.count === 0 ? 'nothing found' : `${hits.index ?? 'many'} of ${hits.count}`;
  return (
    <search className={styles['search']} aria-label="Search in the terminal">
      <TextInput
        size="xs"
        aria-label="Search text"
        placeholder="Search"
        value={text}
        data-autofocus
        ref={(input) => {
          if (input !== null && document.activeElement !== input && text === '') input.focus();
        }}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          session.find(currentTarget.value, 'next', true);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onEnd();
          else if (event.key === 'Enter') session.find(text, event.shiftKey ? 'previous' : 'next', false);
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <span className={styles['found']} role="status">
        {text === '' ? '' : found}
      </span>
      <ActionIcon size="sm" aria-label="Previous hit" onClick={() => session.find(text, 'previous', false)}>
        <IconChevronUp size={16} />
      </ActionIcon>
      <ActionIcon size="sm" aria-label="Next hit" onClick={() => session.find(text, 'next', false)}>
        <IconChevronDown size={16} />
      </ActionIcon>
      <ActionIcon size="sm" aria-label="End the search" onClick={onEnd}>
        <IconX size={16} />
      </ActionIcon>
    </search>
  );
}
