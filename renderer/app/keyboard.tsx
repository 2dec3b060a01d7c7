import { Modal } from '@mantine/core';
import { useEffect, useMemo } from 'react';
import { Keys } from '../ui/keys.tsx';
import { commandGroups, currentCommands, useAllCommands } from './commands.ts';
import styles from './keyboard.module.css';
import { closeOverlay, useOverlay } from './overlays.ts';
import { chordOf, matchChord } from './shortcuts.ts';

const patience = 1500;

/** Where keys are text. `mod` combinations still count there, except in a terminal, whose program may want them. */
function typing(target: EventTarget | null): 'no' | 'text' | 'terminal' {
  if (!(target instanceof HTMLElement)) return 'no';
  if (target.closest('.xterm, [data-own-keys]') !== null) return 'terminal';
  return target.isContentEditable ||
    target.matches('input:not([type=checkbox], [type=radio]), textarea, select')
    ? 'text'
    : 'no';
}

/** A dialog holds the focus while it is open; one that is only fading away does not. */
const inDialog = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('[aria-modal="true"]') !== null;

/** Performs commands by their shortcuts, wherever the focus is. */
function listen(): () => void {
  let pressed: readonly string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    if (['Control', 'Shift', 'Alt', 'Meta'].includes(event.key)) return;
    const chord = chordOf(event);
    const place = typing(event.target);
    if (place === 'terminal' || (place === 'text' && !chord.startsWith('mod+'))) return;
    if (inDialog(event.target) && !chord.startsWith('mod+')) return;
    const all = currentCommands().map((command) => ({
      command,
      shortcuts: [command.shortcut, command.otherShortcut].filter((one) => one !== undefined),
    }));
    const match = matchChord(all, pressed, chord);
    clearTimeout(timer);
    pressed = match.kind === 'begun' ? match.chords : [];
    if (match.kind === 'none') return;
    event.preventDefault();
    if (match.kind === 'found') match.what.command.perform();
    else
      timer = setTimeout(() => {
        pressed = [];
      }, patience);
  };
  document.addEventListener('keydown', onKey);
  return () => {
    clearTimeout(timer);
    document.removeEventListener('keydown', onKey);
  };
}

/** The shortcuts of all commands that are offered now, and their list. */
export function Keyboard() {
  useEffect(listen, []);
  const open = useOverlay('shortcuts');
  return (
    <Modal opened={open} onClose={() => closeOverlay('shortcuts')} title="Keyboard shortcuts" size="lg">
      {open && <ShortcutList />}
    </Modal>
  );
}

function ShortcutList() {
  const commands = useAllCommands();
  const groups = useMemo(
    () =>
      commandGroups
        .map((group) => ({
          group,
          commands: commands.filter((command) => command.group === group && command.shortcut !== undefined),
        }))
        .filter((one) => one.commands.length > 0),
    [commands],
  );
  return (
    <div className={styles['groups']}>
      {groups.map(({ group, commands }) => (
        <section key={group}>
          <h3 className={styles['group']}>{group}</h3>
          <dl className={styles['list']}>
            {commands.map(({ id, label, shortcut, otherShortcut }) => (
              <div key={id}>
                <dt>{label}</dt>
                <dd>
                  {shortcut !== undefined && <Keys shortcut={shortcut} />}
                  {otherShortcut !== undefined && (
                    <>
                      <span className={styles['or']}>or</span>
                      <Keys shortcut={otherShortcut} />
                    </>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  );
}
