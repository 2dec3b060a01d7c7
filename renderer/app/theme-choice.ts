import { useMantineColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import { desktopBridge } from '../rpc/ipc.ts';

export type ThemeChoice = 'light' | 'dark' | 'auto';

export const themeWords: Record<ThemeChoice, string> = { light: 'Light', dark: 'Dark', auto: 'System' };

interface ThemeState {
  readonly choice: ThemeChoice;
  readonly choose: (choice: ThemeChoice) => void;
}

export function useTheme(): ThemeState {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return { choice: colorScheme, choose: setColorScheme };
}

/** Lets the frame of the desktop app's window follow the theme. */
export function useThemeOfWindow(): void {
  const { choice } = useTheme();
  useEffect(() => desktopBridge()?.setTheme(choice), [choice]);
}
