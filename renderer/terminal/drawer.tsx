import { ActionIcon, Button, Loader, Menu } from '@mantine/core';
import { IconChevronDown, IconDots, IconMaximize, IconMinimize, IconTerminal2 } from '@tabler/icons-react';
import { type KeyboardEvent, lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type Command, useCommands } from '../app/commands.ts';
import { setView, useView } from '../app/view.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { Empty } from '../ui/empty.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { Keys } from '../ui/keys.tsx';
import styles from './drawer.module.css';
import { drawerKey } from './keys.ts';
import { NewTerminal } from './new-terminal.tsx';
import { openInPlaceOf, rememberDrawer, showDrawer } from './open.ts';
import { keepOrphans } from './orphans.ts';
import { onMac } from './platform.ts';
import { Separator } from './separator.tsx';
import { panelOf, TabBar } from './tab-bar.tsx';
import { activate, forget, neighbourOf, type Tab, tabsOf, useTabs } from './tabs.ts';
import { titlesOf } from './titles.ts';

const TerminalPane = lazy(async () => {
  // A terminal measures its letters once: they must be those of the font.
  const [{ TerminalPane }] = await Promise.all([
    import('./terminal-pane.tsx'),
    document.fonts.load('13px "JetBrains Mono Variable"').catch(() => []),
  ]);
  return { default: TerminalPane };
});
const LogPane = lazy(async () => ({ default: (await import('./log-pane.tsx')).LogPane }));

/** Hides the drawer; what runs in it goes on. */
function hide(): void {
  setView({ drawer: null });
}

const drawerId = 'terminals';
let lastOutside: HTMLElement | null = null;

/** Remembers what had the focus before the drawer got it. */
function watchFocus(): () => void {
  const onFocus = ({ target }: FocusEvent) => {
    if (
      target instanceof HTMLElement &&
      target.closest(`#${drawerId}, [role="menu"], [role="listbox"]`) === null
    )
      lastOutside = target;
  };
  document.addEventListener('focusin', onFocus);
  return () => document.removeEventListener('focusin', onFocus);
}

/** The page has the focus again, where it was if that is still there. */
function returnFocus(): void {
  if (document.activeElement !== null && document.activeElement !== document.body) return;
  const place = lastOutside?.isConnected ? lastOutside : document.getElementById('main');
  place?.focus({ preventScroll: true });
}

/** The drawer below every screen: terminals, which outlive this window, and logs. Hidden until it is asked for. */
export function TerminalDrawer() {
  const height = useView((view) => view.drawer);
  const [choosing, setChoosing] = useState(false);
  const shownNow = height !== null;
  useEffect(keepOrphans, []);
  useEffect(rememberDrawer, []);
  useEffect(watchFocus, []);
  useEffect(() => {
    if (shownNow) return returnFocus;
  }, [shownNow]);

  const commands = useMemo<Command[]>(
    () => [
      {
        id: 'terminal-drawer',
        label: 'Show or hide the terminals',
        group: 'Terminal',
        keywords: 'drawer console shell logs',
        shortcut: 'ctrl+`',
        perform: () => {
          if (useView.getState().drawer === null) {
            showDrawer();
            activate(useTabs.getState().active);
          } else hide();
        },
      },
      {
        id: 'terminal-new',
        label: 'New terminal…',
        group: 'Terminal',
        keywords: 'shell host pod container exec ssh',
        shortcut: 'shift+T',
        perform: () => {
          showDrawer();
          setChoosing(true);
        },
      },
    ],
    [],
  );
  useCommands(commands);
  return height === null ? null : <Drawer height={height} choosing={choosing} setChoosing={setChoosing} />;
}

function Drawer({
  height,
  choosing,
  setChoosing,
}: {
  height: number;
  choosing: boolean;
  setChoosing: (choosing: boolean) => void;
}) {
  const client = useClient();
  const terminals = useStream((stream) => stream.terminals);
  const watched = useStream((stream) => stream.watched);
  const { logs, pending, orphans, active, maximised, screenReader } = useTabs();
  const { tabs, shown } = useMemo(
    () => tabsOf(terminals, { logs, pending, orphans, active }),
    [terminals, logs, pending, orphans, active],
  );
  const titles = useMemo(() => titlesOf(tabs, watched), [tabs, watched]);
  const drawer = useRef<HTMLElement>(null);

  const close = useCallback(
    (tab: Tab) => {
      if (tab.id === shown?.id) activate(neighbourOf(tabs, tab.id));
      forget(tab.id);
      // If it cannot be closed it stays in the stream, and so on the screen.
      if (tab.kind === 'terminal' && !tab.orphan) client.closeTerminal.mutate({ id: tab.id }).catch(() => {});
    },
    [client, shown, tabs],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    const key = drawerKey(event.nativeEvent, onMac);
    if (key === null || key.kind === 'paste') return;
    const index = tabs.findIndex(({ id }) => id === shown?.id);
    switch (key.kind) {
      case 'leave':
        hide();
        break;
      case 'tab-bar':
        drawer.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
        break;
      case 'maximise':
        useTabs.setState({ maximised: !maximised });
        break;
      case 'step':
        activate(tabs[(index + key.by + tabs.length) % tabs.length]?.id ?? null);
        break;
      case 'tab':
        if (tabs[key.index] !== undefined) activate(tabs[key.index]?.id ?? null);
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <section
      className={styles['drawer']}
      id={drawerId}
      style={{ height: maximised ? 'calc(100dvh - 48px)' : height }}
      data-maximised={maximised}
      aria-label="Terminals and logs"
      ref={drawer}
      onKeyDown={onKeyDown}
    >
      {!maximised && <Separator height={height} />}
      <div className={styles['bar']}>
        {tabs.length > 0 && <TabBar tabs={tabs} titles={titles} shown={shown} onClose={close} />}
        <NewTerminal opened={choosing} onChange={setChoosing} />
        <span className={styles['spring']} />
        <Menu position="top-end" withinPortal>
          <Menu.Target>
            <ActionIcon aria-label="Keys and settings of the terminals" title="Keys and settings">
              <IconDots size={16} />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => useTabs.setState({ screenReader: !screenReader })}>
              {screenReader ? 'Turn off screen reader support' : 'Turn on screen reader support'}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Label>Keys, also inside a terminal</Menu.Label>
            {keys.map(({ label, shortcut }) => (
              <div className={styles['key']} key={label}>
                <span>{label}</span>
                <Keys shortcut={shortcut} />
              </div>
            ))}
          </Menu.Dropdown>
        </Menu>
        <ActionIcon
          aria-label={maximised ? 'Restore the drawer' : 'Maximise the drawer'}
          title={maximised ? 'Restore' : 'Maximise'}
          onClick={() => useTabs.setState({ maximised: !maximised })}
        >
          {maximised ? <IconMinimize size={16} /> : <IconMaximize size={16} />}
        </ActionIcon>
        <ActionIcon aria-label="Hide the drawer" title="Hide (Ctrl+`)" onClick={hide}>
          <IconChevronDown size={18} />
        </ActionIcon>
      </div>
      <div className={styles['panel']} {...(shown === null ? {} : panelOf(shown))}>
        <Suspense fallback={<Waiting text="Loading the terminal" />}>
          {shown === null ? (
            <Empty icon={<IconTerminal2 size={28} />} title="No terminal is open">
              <Button size="xs" onClick={() => setChoosing(true)} disabled={watched === null}>
                New terminal
              </Button>
            </Empty>
          ) : (
            <Pane tab={shown} />
          )}
        </Suspense>
      </div>
    </section>
  );
}

const keys = [
  { label: 'Leave: back to the page', shortcut: 'ctrl+`' },
  { label: 'Go to the tabs', shortcut: 'shift+F6' },
  { label: 'Next tab', shortcut: 'mod+shift+right' },
  { label: 'First to ninth tab', shortcut: 'alt+1' },
  { label: 'Search', shortcut: 'mod+F' },
  { label: 'Maximise', shortcut: 'mod+shift+up' },
  ...(onMac ? [] : [{ label: 'Copy the selection', shortcut: 'mod+shift+C' }]),
];

function Pane({ tab }: { tab: Tab }) {
  const client = useClient();
  switch (tab.kind) {
    case 'terminal':
      return <TerminalPane terminal={tab.terminal} orphan={tab.orphan} key={tab.id} />;
    case 'log':
      return <LogPane id={tab.id} source={tab.source} key={tab.id} />;
    case 'pending': {
      const { pending } = tab;
      return pending.error === null ? (
        <Waiting text={`Opening a shell on ${pending.target}`} />
      ) : (
        <div className={styles['failure']}>
          <ErrorCard
            error={pending.error}
            where={`Terminal on ${pending.target}`}
            fix={{ label: 'Try again', perform: () => openInPlaceOf(client, pending) }}
          />
        </div>
      );
    }
  }
}

const Waiting = ({ text }: { text: string }) => (
  <div className={styles['waiting']} role="status">
    <Loader size="xs" />
    <span>{text}</span>
  </div>
);
