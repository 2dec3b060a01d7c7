import type { MenuItemConstructorOptions } from 'electron';
import type { DesktopCommand } from '../../../contract/desktop.ts';

/** What the menu can do; `perform` reaches the window in front. */
export interface MenuActions {
  perform(command: DesktopCommand): void;
  openWindow(): void;
}

/** The native menu. Its entries are the screens' own commands, so a screen says what becomes of them. */
export function menuTemplate(
  platform: string,
  theme: 'light' | 'dark' | 'auto',
  { perform, openWindow }: MenuActions,
): MenuItemConstructorOptions[] {
  const mac = platform === 'darwin';
  const separator: MenuItemConstructorOptions = { type: 'separator' };
  const themeItem = (label: string, value: typeof theme): MenuItemConstructorOptions => ({
    label,
    type: 'radio',
    checked: theme === value,
    click: () => perform({ type: 'theme', theme: value }),
  });
  const item = (
    label: string,
    command: DesktopCommand,
    accelerator?: string,
  ): MenuItemConstructorOptions => ({
    label,
    click: () => perform(command),
    ...(accelerator === undefined ? {} : { accelerator }),
  });
  return [
    ...(mac ? [{ role: 'appMenu' } satisfies MenuItemConstructorOptions] : []),
    {
      label: 'File',
      submenu: [
        item('New Lab…', { type: 'new-lab' }, 'CmdOrCtrl+N'),
        { label: 'New Window', accelerator: 'CmdOrCtrl+Shift+N', click: openWindow },
        separator,
        item('Export…', { type: 'export' }, 'CmdOrCtrl+E'),
        separator,
        { role: 'close' },
        ...(mac ? [] : [{ role: 'quit' } satisfies MenuItemConstructorOptions]),
      ],
    },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        item('All Commands…', { type: 'palette' }, 'CmdOrCtrl+K'),
        separator,
        {
          label: 'Theme',
          submenu: [
            themeItem('Light', 'light'),
            themeItem('Dark', 'dark'),
            themeItem('As the System', 'auto'),
          ],
        },
        item('Presenter Mode', { type: 'presenter' }),
        separator,
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { role: 'togglefullscreen' },
        separator,
        { role: 'reload' },
        { role: 'toggleDevTools' },
      ],
    },
    {
      label: 'Go',
      submenu: [
        item('Labs', { type: 'go', to: 'labs' }, 'CmdOrCtrl+Shift+L'),
        separator,
        item('Back', { type: 'go', to: 'back' }, mac ? 'Cmd+[' : 'Alt+Left'),
        item('Forward', { type: 'go', to: 'forward' }, mac ? 'Cmd+]' : 'Alt+Right'),
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        item('Keyboard Shortcuts', { type: 'shortcuts' }),
        ...(mac ? [] : [{ role: 'about' } satisfies MenuItemConstructorOptions]),
      ],
    },
  ];
}
