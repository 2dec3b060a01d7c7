import { ActionIcon, Menu, Tooltip, UnstyledButton } from '@mantine/core';
import {
  IconCheck,
  IconDeviceDesktop,
  IconHelp,
  IconLayoutSidebar,
  IconMoon,
  IconPresentation,
  IconSearch,
  IconSun,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link, useLocation, useSearch } from 'wouter';
import { TaskTray } from '../tasks/tray.tsx';
import { Keys } from '../ui/keys.tsx';
import { Mark } from '../ui/mark.tsx';
import { performCommand } from './commands.ts';
import { openOverlay } from './overlays.ts';
import { crumbsOf, places } from './routes.ts';
import { type ThemeChoice, themeWords, useTheme } from './theme-choice.ts';
import styles from './top-bar.module.css';
import { useView } from './view.ts';

/** Where we are, and what is at hand everywhere. */
export function TopBar({ onLabs }: { onLabs: () => void }) {
  const presenter = useView((view) => view.presenter);
  return (
    <header className={styles['bar']}>
      {!presenter && (
        <Hint label="List of labs" shortcut="mod+B">
          <ActionIcon size={32} aria-label="List of labs" onClick={onLabs}>
            <IconLayoutSidebar size={18} aria-hidden />
          </ActionIcon>
        </Hint>
      )}
      <Link href={places.start()} className={styles['wordmark']} aria-label="Flatland, all labs">
        <Mark size={24} />
        <span>Flatland</span>
      </Link>
      <Breadcrumb />
      <div className={styles['tools']}>
        <UnstyledButton
          className={styles['search'] ?? ''}
          onClick={() => openOverlay('palette')}
          aria-haspopup="dialog"
        >
          <IconSearch size={16} aria-hidden />
          <span className={styles['said']}>Search</span>
          <Keys shortcut="mod+K" />
        </UnstyledButton>
        <TaskTray />
        <Hint label={presenter ? 'Leave presenter mode' : 'Presenter mode'} shortcut="p">
          <ActionIcon
            size={32}
            aria-label="Presenter mode"
            aria-pressed={presenter}
            variant={presenter ? 'light' : 'subtle'}
            color={presenter ? 'accent' : 'gray'}
            onClick={() => performCommand('view.presenter')}
          >
            <IconPresentation size={18} aria-hidden />
          </ActionIcon>
        </Hint>
        <ThemeMenu />
        <Hint label="Keyboard shortcuts" shortcut="?">
          <ActionIcon
            size={32}
            aria-label="Keyboard shortcuts"
            className={styles['spare'] ?? ''}
            onClick={() => openOverlay('shortcuts')}
          >
            <IconHelp size={18} aria-hidden />
          </ActionIcon>
        </Hint>
      </div>
    </header>
  );
}

function Hint({ label, shortcut, children }: { label: string; shortcut: string; children: ReactNode }) {
  return (
    <Tooltip
      label={
        <span className={styles['hint']}>
          {label} <Keys shortcut={shortcut} />
        </span>
      }
    >
      {children}
    </Tooltip>
  );
}

function Breadcrumb() {
  const [location] = useLocation();
  const crumbs = crumbsOf(location, useSearch());
  return (
    <nav className={styles['crumbs']} aria-label="Where you are">
      <ol>
        {crumbs.map(({ label, place }, index) => (
          <li key={place}>
            {index === crumbs.length - 1 ? (
              <span aria-current="page">{label}</span>
            ) : (
              <Link href={place}>{label}</Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

const themeIcons: Record<ThemeChoice, typeof IconSun> = {
  light: IconSun,
  dark: IconMoon,
  auto: IconDeviceDesktop,
};

function ThemeMenu() {
  const { choice, choose } = useTheme();
  const Icon = themeIcons[choice];
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon size={32} aria-label={`Theme: ${themeWords[choice]}`}>
          <Icon size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {(['light', 'dark', 'auto'] as const).map((theme) => {
          const Each = themeIcons[theme];
          return (
            <Menu.Item
              key={theme}
              role="menuitemradio"
              aria-checked={theme === choice}
              leftSection={<Each size={15} aria-hidden />}
              rightSection={theme === choice ? <IconCheck size={14} aria-hidden /> : null}
              onClick={() => choose(theme)}
            >
              {themeWords[theme]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
