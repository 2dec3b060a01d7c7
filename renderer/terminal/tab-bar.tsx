import { IconFileText, IconTerminal2, IconX } from '@tabler/icons-react';
import { type KeyboardEvent, type MouseEvent, useEffect, useRef } from 'react';
import { StatusIcon } from '../ui/status.tsx';
import styles from './drawer.module.css';
import { activate, type Tab } from './tabs.ts';
import { stateWords, type TabTitle } from './titles.ts';

const panelId = 'drawer-panel';
const tabId = (id: string): string => `drawer-tab-${id.replaceAll(/[^\w-]/g, '_')}`;

/** What joins the panel to its tab. */
export const panelOf = (shown: Tab | null) =>
  ({ id: panelId, role: 'tabpanel', ...(shown && { 'aria-labelledby': tabId(shown.id) }) }) as const;

/** The tabs of the drawer. Arrows move between them, Delete or the middle button closes one, Enter goes into it. */
export function TabBar({
  tabs,
  titles,
  shown,
  onClose,
}: {
  tabs: readonly Tab[];
  titles: readonly TabTitle[];
  shown: Tab | null;
  onClose: (tab: Tab) => void;
}) {
  const bar = useRef<HTMLDivElement>(null);
  const shownId = shown?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the tab that is shown is to be seen.
  useEffect(() => {
    bar.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shownId]);

  const move = (index: number) => {
    const all = bar.current?.querySelectorAll<HTMLElement>('[role="tab"]');
    all?.[(index + all.length) % all.length]?.focus();
  };
  const onKey = (event: KeyboardEvent, tab: Tab, index: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === 'ArrowLeft') move(index - 1);
    else if (event.key === 'ArrowRight') move(index + 1);
    else if (event.key === 'Home') move(0);
    else if (event.key === 'End') move(-1);
    else if (event.key === 'Delete') onClose(tab);
    else return;
    event.preventDefault();
  };
  const onClick = ({ target }: MouseEvent, tab: Tab) => {
    if (target instanceof Element && target.closest('[data-closes]') !== null) onClose(tab);
    else activate(tab.id);
  };
  return (
    <div className={styles['tabs']} role="tablist" aria-label="Terminals and logs" ref={bar}>
      {tabs.map((tab, index) => {
        const title = titles[index] ?? { name: '', detail: null };
        const words = stateWords(tab);
        const selected = tab.id === shownId;
        const Icon = tab.kind === 'log' ? IconFileText : IconTerminal2;
        return (
          <button
            type="button"
            role="tab"
            key={tab.id}
            id={tabId(tab.id)}
            className={styles['tab']}
            aria-selected={selected}
            aria-controls={panelId}
            aria-keyshortcuts="Delete"
            tabIndex={selected ? 0 : -1}
            onClick={(event) => onClick(event, tab)}
            onAuxClick={({ button }) => button === 1 && onClose(tab)}
            onKeyDown={(event) => onKey(event, tab, index)}
          >
            {words === null ? <Icon size={14} aria-hidden /> : <StatusIcon health={words.health} />}
            <span className={styles['name']}>{title.name}</span>
            {title.detail !== null && <span className={styles['note']}>{title.detail}</span>}
            {words !== null && <span className={styles['note']}>{words.text}</span>}
            <span className={styles['cross']} data-closes aria-hidden title="Close">
              <IconX size={13} />
            </span>
          </button>
        );
      })}
    </div>
  );
}
