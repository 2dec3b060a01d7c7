import { Button, Group, Menu, Modal, Text } from '@mantine/core';
import { IconFileText, IconPlayerPlay, IconPower, IconTerminal2 } from '@tabler/icons-react';
import { useState } from 'react';
import type { LiveHost } from '../../contract/live.ts';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { openLogsFor, openTerminalFor } from '../terminal/open.ts';
import { ErrorCard } from '../ui/error-card.tsx';

const services = ['agent', 'etcd', 'docker', 'console'];

function PowerOff({ lab, host }: { lab: string; host: string }) {
  const client = useClient();
  const [asking, setAsking] = useState(false);
  const { busy, error, run, dismiss } = useCall();
  const stop = async (): Promise<void> => {
    if (await run(() => client.stopHost.mutate({ lab, host }))) setAsking(false);
  };
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconPower size={15} />}
        onClick={() => {
          dismiss();
          setAsking(true);
        }}
      >
        Power off
      </Button>
      <Modal opened={asking} onClose={() => setAsking(false)} title={`Power off ${host}?`}>
        <Text size="sm" mb="md">
          It goes off at once, as if its power had failed. Its pods are not reachable until you bring it back.
        </Text>
        {error && <ErrorCard error={error} where={`${host} was not powered off`} />}
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsking(false)}>
            Cancel
          </Button>
          <Button data-autofocus loading={busy} onClick={() => void stop()}>
            Power off {host}
          </Button>
        </Group>
      </Modal>
    </>
  );
}

function BringBack({ lab }: { lab: string }) {
  const client = useClient();
  const { busy, error, run } = useCall();
  return (
    <>
      <Button
        size="xs"
        leftSection={<IconPlayerPlay size={15} />}
        loading={busy}
        onClick={() => void run(() => client.repair.mutate({ lab }))}
      >
        Bring back
      </Button>
      {error && <ErrorCard error={error} where="The host was not brought back" />}
    </>
  );
}

/** What can be done with a host. */
export function HostActions({ lab, host }: { lab: string; host: LiveHost }) {
  const client = useClient();
  const { name, reach } = host;
  return (
    <Group gap={6}>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconTerminal2 size={15} />}
        disabled={reach.kind !== 'connected'}
        onClick={() => openTerminalFor(client, lab, name)}
      >
        Terminal
      </Button>
      <Menu position="bottom-start">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconFileText size={15} />}>
            Logs
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {services.map((service) => (
            <Menu.Item key={service} onClick={() => openLogsFor(lab, name, service)}>
              {service}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {reach.kind === 'reconnecting' ? <BringBack lab={lab} /> : <PowerOff lab={lab} host={name} />}
    </Group>
  );
}
