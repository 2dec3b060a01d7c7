import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconMaximize, IconMinus, IconPlus } from '@tabler/icons-react';
import { useReactFlow, useStore } from '@xyflow/react';
import { useMemo } from 'react';
import { type Command, useCommands } from '../app/commands.ts';
import { look, type Shown } from './focus.ts';
import styles from './topology.module.css';

function Zoom() {
  const zoom = useStore(({ transform }) => Math.round(transform[2] * 100));
  return <span className={styles['zoom']}>{zoom} %</span>;
}

/** Buttons and commands that change how the picture is seen. `onReset` is null while every host is in its own place. */
export function ZoomControls({
  onFit,
  onReset,
  onMove,
}: {
  onFit: () => void;
  onReset: (() => void) | null;
  onMove: () => void;
}) {
  const { zoomIn, zoomOut } = useReactFlow();
  const commands = useMemo((): Command[] => {
    const zoom = (how: () => Promise<boolean>) => () => {
      onMove();
      void how();
    };
    const show = (shown: Shown) => () => look({ shown });
    return [
      {
        id: 'topology-underlay',
        label: 'Show the underlay',
        group: 'View',
        shortcut: '1',
        perform: show('underlay'),
      },
      {
        id: 'topology-both',
        label: 'Show underlay and overlay',
        group: 'View',
        shortcut: '2',
        perform: show('both'),
      },
      {
        id: 'topology-overlay',
        label: 'Show the overlay',
        group: 'View',
        shortcut: '3',
        perform: show('overlay'),
      },
      {
        id: 'topology-in',
        label: 'Zoom in',
        group: 'View',
        shortcut: 'plus',
        otherShortcut: '=',
        perform: zoom(zoomIn),
      },
      { id: 'topology-out', label: 'Zoom out', group: 'View', shortcut: '-', perform: zoom(zoomOut) },
      {
        id: 'topology-fit',
        label: 'Fit the lab to the window',
        group: 'View',
        shortcut: '0',
        perform: onFit,
      },
      ...(onReset === null
        ? []
        : [{ id: 'topology-reset', label: 'Reset layout', group: 'View' as const, perform: onReset }]),
    ];
  }, [zoomIn, zoomOut, onFit, onReset, onMove]);
  useCommands(commands);
  const run = (id: string) => () => commands.find((command) => command.id === id)?.perform();
  return (
    <div className={styles['zooming']} role="toolbar" aria-label="View of the picture">
      {onReset !== null && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={onReset}>
          Reset layout
        </Button>
      )}
      <Tooltip label="Zoom out">
        <ActionIcon aria-label="Zoom out" onClick={run('topology-out')}>
          <IconMinus size={16} />
        </ActionIcon>
      </Tooltip>
      <Zoom />
      <Tooltip label="Zoom in">
        <ActionIcon aria-label="Zoom in" onClick={run('topology-in')}>
          <IconPlus size={16} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Fit the lab to the window">
        <ActionIcon aria-label="Fit the lab to the window" onClick={onFit}>
          <IconMaximize size={16} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}
