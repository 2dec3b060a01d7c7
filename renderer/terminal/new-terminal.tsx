import { ActionIcon, Combobox, useCombobox } from '@mantine/core';
import { IconBox, IconPlus, IconServer2 } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { useClient } from '../rpc/use-client.ts';
import type { LabState } from '../stream/state.ts';
import { useLab } from '../stream/store.ts';
import styles from './drawer.module.css';
import { openTerminalFor } from './open.ts';
import { searchTargets, targetsOf } from './targets.ts';

const shownAtOnce = 60;

/** The button that opens a shell on any host or in any pod of the lab that is looked at. */
export function NewTerminal({ opened, onChange }: { opened: boolean; onChange: (opened: boolean) => void }) {
  const client = useClient();
  const lab = useLab();
  const [search, setSearch] = useState('');
  const combobox = useCombobox({
    opened,
    onOpenedChange: onChange,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: opening is what matters; the store is another one at each render.
  useEffect(() => {
    setSearch('');
    if (opened) combobox.focusSearchInput();
  }, [opened]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the first that is found is what Enter takes.
  useEffect(() => {
    if (opened) combobox.selectFirstOption();
  }, [opened, search]);
  return (
    <Combobox
      store={combobox}
      width={320}
      position="top-start"
      withinPortal
      onOptionSubmit={(target) => {
        onChange(false);
        if (lab !== null) openTerminalFor(client, lab.lab.name, target);
      }}
    >
      <Combobox.Target targetType="button" withAriaAttributes={false}>
        <ActionIcon
          size="md"
          aria-label="New terminal"
          aria-haspopup="dialog"
          aria-expanded={opened}
          title="New terminal"
          onClick={() => onChange(!opened)}
        >
          <IconPlus size={16} />
        </ActionIcon>
      </Combobox.Target>
      <Combobox.Dropdown>
        <Combobox.Search
          value={search}
          role="combobox"
          aria-expanded
          aria-label="Host or pod"
          placeholder="Host or pod"
          onChange={({ currentTarget }) => setSearch(currentTarget.value)}
          onKeyDown={({ key }) => {
            // Who types fast is here before the first option has been marked.
            if (key === 'Enter' && combobox.getSelectedOptionIndex() === -1) combobox.selectFirstOption();
          }}
        />
        {opened && <Options lab={lab} search={search} />}
      </Combobox.Dropdown>
    </Combobox>
  );
}

function Options({ lab, search }: { lab: LabState | null; search: string }) {
  const targets = useMemo(() => (lab === null ? [] : targetsOf(lab)), [lab]);
  const found = useMemo(() => searchTargets(targets, search, shownAtOnce), [targets, search]);
  return (
    <Combobox.Options aria-label="Hosts and pods" className={styles['targets']}>
      {found.map(({ kind, name, note, usable }) => (
        <Combobox.Option value={name} key={`${kind} ${name}`} disabled={!usable}>
          <span className={styles['target']}>
            {kind === 'host' ? (
              <IconServer2 size={15} aria-label="Host" />
            ) : (
              <IconBox size={15} aria-label="Pod" />
            )}
            <span>{name}</span>
            <span className={styles['note']}>{usable ? note : `${note}, not running`}</span>
          </span>
        </Combobox.Option>
      ))}
      {found.length === 0 && (
        <Combobox.Empty>{lab === null ? 'Go to a lab first' : 'No host or pod of that name'}</Combobox.Empty>
      )}
      {found.length === shownAtOnce && <Combobox.Empty>Search for more</Combobox.Empty>}
    </Combobox.Options>
  );
}
