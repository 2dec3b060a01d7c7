import { useMemo } from 'react';
import { type Command, useCommands } from './commands.ts';
import { goTo } from './location.ts';
import { openOverlay, toggleOverlay } from './overlays.ts';
import { places } from './routes.ts';
import { themeWords, useTheme } from './theme-choice.ts';
import { setView, useView } from './view.ts';

const togglePresenter = (): void => setView({ presenter: !useView.getState().presenter });

/** What can be done wherever one is. */
export function useGlobalCommands(quick: () => void): void {
  const { choice, choose } = useTheme();
  const presenter = useView((view) => view.presenter);
  const commands = useMemo<readonly Command[]>(
    () => [
      {
        id: 'labs.new',
        label: 'New lab…',
        group: 'Labs',
        keywords: 'create customise yaml form',
        shortcut: 'n',
        perform: () => goTo(places.create()),
      },
      {
        id: 'labs.quick',
        label: 'New lab of three hosts at once',
        group: 'Labs',
        keywords: 'quick create up one click',
        perform: quick,
      },
      {
        id: 'labs.all',
        label: 'All labs',
        group: 'Go to',
        keywords: 'start home list',
        shortcut: 'g a',
        perform: () => goTo(places.start()),
      },
      { id: 'go.back', label: 'Back', group: 'Go to', shortcut: '[', perform: () => history.back() },
      { id: 'go.forward', label: 'Forward', group: 'Go to', shortcut: ']', perform: () => history.forward() },
      {
        id: 'view.palette',
        label: 'Search everything',
        group: 'View',
        keywords: 'command palette find',
        shortcut: 'mod+K',
        perform: () => toggleOverlay('palette'),
      },
      {
        id: 'view.tasks',
        label: 'Tasks',
        group: 'View',
        keywords: 'progress running log cancel tray',
        shortcut: 't',
        perform: () => toggleOverlay('tasks'),
      },
      {
        id: 'view.presenter',
        label: presenter ? 'Leave presenter mode' : 'Presenter mode',
        group: 'View',
        keywords: 'large type talk room hide secrets',
        shortcut: 'p',
        perform: togglePresenter,
      },
      {
        id: 'view.sidebar',
        label: 'Show or hide the list of labs',
        group: 'View',
        keywords: 'sidebar rail',
        shortcut: 'mod+B',
        perform: () => setView({ sidebar: !useView.getState().sidebar }),
      },
      {
        id: 'view.theme',
        label: 'Next theme',
        group: 'View',
        keywords: 'dark light system colour',
        shortcut: 'shift+L',
        perform: () => choose(choice === 'light' ? 'dark' : choice === 'dark' ? 'auto' : 'light'),
      },
      ...(['light', 'dark', 'auto'] as const).map(
        (theme): Command => ({
          id: `view.theme.${theme}`,
          label: `${themeWords[theme]} theme`,
          group: 'View',
          keywords: 'colour scheme',
          perform: () => choose(theme),
        }),
      ),
      {
        id: 'help.shortcuts',
        label: 'Keyboard shortcuts',
        group: 'Help',
        shortcut: '?',
        perform: () => openOverlay('shortcuts'),
      },
    ],
    [choice, choose, presenter, quick],
  );
  useCommands(commands);
}
