import { ActionIcon, Menu } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { alignColumns } from './align-columns.ts';

/** Copies a table as text or as JSON. `rows` has the head first; `json` is what a program would want. */
export function CopyMenu({
  label,
  rows,
  json,
}: {
  label: string;
  rows: () => readonly (readonly string[])[];
  json: () => unknown;
}) {
  const clipboard = useClipboard({ timeout: 1200 });
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon aria-label={`Copy ${label}`} title={`Copy ${label}`}>
          {clipboard.copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => clipboard.copy(alignColumns(rows()))}>Copy as text</Menu.Item>
        <Menu.Item onClick={() => clipboard.copy(JSON.stringify(json(), null, 2))}>Copy as JSON</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
