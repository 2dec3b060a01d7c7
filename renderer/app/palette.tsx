import { Modal } from '@mantine/core';
import { IconBox, IconChevronRight, IconSearch, IconServer2, IconTopologyStar3 } from '@tabler/icons-react';
import { type KeyboardEvent, type ReactNode, useId, useMemo, useState } from 'react';
import { useStream } from '../stream/store.ts';
import { Keys } from '../ui/keys.tsx';
import { useAllCommands } from './commands.ts';
import { fuzzySearch } from './fuzzy.ts';
import { goTo } from './location.ts';
import { closeOverlay, useOverlay } from './overlays.ts';
import styles from './palette.module.css';
import { groupEntries, namedEntries, type PaletteEntry } from './palette-entries.ts';

const shownAtMost = 60;

/** Every action and every name, found by typing: a combobox whose list box is always open. */
export function Palette() {
  const open = useOverlay('palette');
  const close = () => closeOverlay('palette');
  return (
    <Modal.Root
      opened={open}
      onClose={close}
      centered={false}
      yOffset="12vh"
      size={600}
      transitionProps={{ duration: 90 }}
      classNames={{ content: styles['palette'] ?? '' }}
    >
      <Modal.Overlay backgroundOpacity={0.35} />
      <Modal.Content aria-label="Command palette">{open && <Search close={close} />}</Modal.Content>
    </Modal.Root>
  );
}

const icons: Record<PaletteEntry['kind'], ReactNode> = {
  command: <IconChevronRight size={16} aria-hidden />,
  lab: <IconTopologyStar3 size={16} aria-hidden />,
  host: <IconServer2 size={16} aria-hidden />,
  pod: <IconBox size={16} aria-hidden />,
};

function Search({ close }: { close: () => void }) {
  const id = useId();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const commands = useAllCommands();
  // Names are taken when the palette opens: a list that moves while one chooses from it is of no use.
  const [named] = useState(() => {
    const { labs, lab } = useStream.getState();
    return namedEntries(labs, lab);
  });
  const groups = useMemo(() => {
    const entries: PaletteEntry[] = [
      ...commands.map((command) => ({ kind: 'command' as const, command })),
      ...named,
    ];
    const asked =
      query.trim() === '' ? entries.filter(({ kind }) => kind === 'command' || kind === 'lab') : entries;
    return groupEntries(fuzzySearch(query, asked, textOf, shownAtMost), query.trim() !== '');
  }, [commands, named, query]);
  const flat = useMemo(() => groups.flatMap(({ entries }) => entries), [groups]);
  const at = Math.min(active, flat.length - 1);

  const choose = (entry: PaletteEntry | undefined) => {
    if (entry === undefined) return;
    close();
    if (entry.kind === 'command') entry.command.perform();
    else goTo(entry.place);
  };
  const move = (to: number) => {
    const next = flat.length === 0 ? 0 : (to + flat.length) % flat.length;
    setActive(next);
    document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: Math.min(at + 8, flat.length - 1),
      PageUp: Math.max(at - 8, 0),
    };
    const to = moves[event.key];
    if (to !== undefined) move(to);
    else if (event.key === 'Enter') choose(flat[at]);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div className={styles['search']}>
        <IconSearch size={18} aria-hidden />
        <input
          className={styles['input']}
          data-autofocus
          role="combobox"
          aria-label="Search actions, labs, hosts and pods"
          aria-expanded={flat.length > 0}
          aria-controls={flat.length > 0 ? `${id}-list` : undefined}
          aria-activedescendant={flat.length > 0 ? `${id}-${at}` : undefined}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          placeholder="What do you want to do, or see?"
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <Keys shortcut="Escape" />
      </div>
      {flat.length === 0 ? (
        <p className={styles['none']} role="status">
          Nothing is called “{query}”.
        </p>
      ) : (
        <div className={styles['list']} role="listbox" id={`${id}-list`} aria-label="Results">
          {groups.map(({ group, entries, first }) => (
            <div key={group} role="group" aria-label={group}>
              <div className={styles['group']} aria-hidden>
                {group}
              </div>
              {entries.map((entry, offset) => {
                const index = first + offset;
                const { label } = textOf(entry);
                return (
                  // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the combobox above.
                  <div
                    className={styles['entry']}
                    role="option"
                    tabIndex={-1}
                    id={`${id}-${index}`}
                    key={entry.kind === 'command' ? entry.command.id : entry.place}
                    aria-selected={index === at}
                    onClick={() => choose(entry)}
                    onMouseMove={() => index !== at && setActive(index)}
                  >
                    {icons[entry.kind]}
                    <span className={styles['label']}>{label}</span>
                    {entry.kind === 'command'
                      ? entry.command.shortcut !== undefined && <Keys shortcut={entry.command.shortcut} />
                      : entry.detail !== '' && <span className={styles['detail']}>{entry.detail}</span>}
                  </div>
                );
              })}
            </div>
          ))}
        </div>
      )}
    </>
  );
}

const textOf = (entry: PaletteEntry): { label: string; more: string } =>
  entry.kind === 'command'
    ? { label: entry.command.label, more: `${entry.command.group} ${entry.command.keywords ?? ''}` }
    : { label: entry.label, more: entry.detail };
