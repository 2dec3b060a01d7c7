import { useEffect, useMemo } from 'react';
import { create } from 'zustand';

/** One thing that can be done: it is a line of the palette, a shortcut and, where it is drawn, a button, all from this. */
export interface Command {
  readonly id: string;
  readonly label: string;
  readonly group: 'Labs' | 'Go to' | 'Lab' | 'Probes' | 'Containers' | 'Terminal' | 'View' | 'Help';
  readonly keywords?: string;
  /** As @mantine/hooks writes hotkeys: `mod+K`, `?`, `n`; keys that follow each other have a space between: `g t`. */
  readonly shortcut?: string;
  /** A second shortcut for the same. */
  readonly otherShortcut?: string;
  readonly perform: () => void;
}

/** The order of the groups, wherever commands are listed. */
export const commandGroups: readonly Command['group'][] = [
  'Lab',
  'Labs',
  'Go to',
  'Probes',
  'Containers',
  'Terminal',
  'View',
  'Help',
];

interface Registry {
  readonly sets: ReadonlyMap<symbol, readonly Command[]>;
}

const useRegistry = create<Registry>(() => ({ sets: new Map() }));

/** Offers commands for as long as the component is shown. `commands` must be memoised. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    const key = Symbol('commands');
    useRegistry.setState(({ sets }) => ({ sets: new Map([...sets, [key, commands]]) }));
    return () =>
      useRegistry.setState(({ sets }) => ({ sets: new Map([...sets].filter(([other]) => other !== key)) }));
  }, [commands]);
}

const flatten = ({ sets }: Registry): readonly Command[] => [
  ...new Map([...sets.values()].flat().map((command) => [command.id, command])).values(),
];

/** All commands that are offered now; the latest of the same id counts. */
export function useAllCommands(): readonly Command[] {
  const sets = useRegistry((registry) => registry.sets);
  return useMemo(() => flatten({ sets }), [sets]);
}

/** All commands that are offered at this moment, for what is no component. */
export const currentCommands = (): readonly Command[] => flatten(useRegistry.getState());

/** Does what a command does, if it is offered now; tells whether it was. */
export function performCommand(id: string): boolean {
  const command = currentCommands().find((one) => one.id === id);
  command?.perform();
  return command !== undefined;
}
