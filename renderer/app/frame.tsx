import { Drawer } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { TakeDownDialog } from '../labs/take-down.tsx';
import { useBegin } from '../labs/use-begin.ts';
import { useStream } from '../stream/store.ts';
import { Notices } from '../tasks/notices.tsx';
import { TerminalDrawer } from '../terminal/drawer.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { ErrorCard } from '../ui/error-card.tsx';
import { ConnectionBanner } from './connection.tsx';
import { useDesktopCommands } from './desktop.ts';
import styles from './frame.module.css';
import { useGlobalCommands } from './global-commands.ts';
import { Keyboard } from './keyboard.tsx';
import { closeOverlay, toggleOverlay, useOverlay } from './overlays.ts';
import { Palette } from './palette.tsx';
import { Sidebar } from './sidebar.tsx';
import { useThemeOfWindow } from './theme-choice.ts';
import { TopBar } from './top-bar.tsx';
import { setView, useView } from './view.ts';

const closeLabs = () => closeOverlay('labs');

/** What surrounds every screen: the top bar, the labs, the palette, the tasks and the terminal drawer. */
export function Frame({ children }: { children: ReactNode }) {
  const { error, quick, dismiss } = useBegin();
  useGlobalCommands(quick);
  useDesktopCommands();
  useThemeOfWindow();
  const [location] = useLocation();
  const lost = useStream(({ door }) => door.kind === 'lost');
  const presenter = useView((view) => view.presenter);
  const wanted = useView((view) => view.sidebar);
  // Drawn as it is at once: a sidebar that appears only after the first picture would move everything.
  const now = { getInitialValueInEffect: false };
  const wide = useMediaQuery('(min-width: 1100px)', true, now);
  const tiny = useMediaQuery('(max-width: 639px)', false, now);
  const drawer = useOverlay('labs');
  const rail = !wide || !wanted;
  return (
    <>
      <div className={styles['frame']} data-door={lost ? 'lost' : 'open'}>
        <button
          type="button"
          className={styles['skip']}
          onClick={() => document.getElementById('main')?.focus()}
        >
          Skip to content
        </button>
        <TopBar onLabs={() => (wide ? setView({ sidebar: !wanted }) : toggleOverlay('labs'))} />
        <ConnectionBanner />
        {!presenter && !tiny && (
          <div className={styles['side']}>
            <Sidebar rail={rail} />
          </div>
        )}
        <main className={styles['main']} id="main" tabIndex={-1}>
          {error && (
            <div className={styles['error']}>
              <ErrorCard error={error} where="Beginning a lab" onDismiss={dismiss} />
            </div>
          )}
          <ErrorBoundary where="This screen" place={location}>
            {children}
          </ErrorBoundary>
        </main>
        <TerminalDrawer />
        <Drawer opened={drawer} onClose={closeLabs} title="Labs" size={272}>
          <Sidebar rail={false} onGo={closeLabs} />
        </Drawer>
        <Palette />
        <Keyboard />
        <TakeDownDialog />
        <Notices />
      </div>
      <div id="overlays" role="region" aria-label="Menus and dialogs" />
    </>
  );
}
