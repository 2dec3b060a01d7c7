import { useEffect } from 'react';
import { type DesktopCommand, desktopCommand } from '../../contract/desktop.ts';
import { desktopBridge } from '../rpc/ipc.ts';
import { performCommand } from './commands.ts';
import { goTo } from './location.ts';
import { openOverlay } from './overlays.ts';
import { places } from './routes.ts';
import { type ThemeChoice, useTheme } from './theme-choice.ts';

function obey(command: DesktopCommand, chooseTheme: (choice: ThemeChoice) => void): void {
  switch (command.type) {
    case 'new-lab':
      goTo(places.create());
      break;
    case 'export':
      performCommand('lab.export');
      break;
    case 'palette':
      openOverlay('palette');
      break;
    case 'shortcuts':
      openOverlay('shortcuts');
      break;
    case 'presenter':
      performCommand('view.presenter');
      break;
    case 'theme':
      chooseTheme(command.theme);
      break;
    case 'open-lab':
      goTo(places.topology(command.lab));
      break;
    case 'go':
      if (command.to === 'labs') goTo(places.start());
      else if (command.to === 'back') history.back();
      else history.forward();
  }
}

/** Does what the desktop app's menu and its deep links ask for. */
export function useDesktopCommands(): void {
  const { choose } = useTheme();
  useEffect(
    () =>
      desktopBridge()?.onCommand((told) => {
        const command = desktopCommand.safeParse(told);
        if (command.success) obey(command.data, choose);
      }),
    [choose],
  );
}
