import { Button, Group, Modal } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { PodStatus } from '../../contract/status.ts';
import { useClient } from '../rpc/use-client.ts';
import { askPod } from './pod-work.ts';

/** Asks before a container is removed, and says whether it comes back. */
export function RemoveQuestion({
  lab,
  pod,
  onClose,
}: {
  lab: string;
  pod: PodStatus | null;
  onClose: () => void;
}) {
  const client = useClient();
  const [asked, setAsked] = useState(pod);
  // The question stays as it was while it fades away.
  useEffect(() => {
    if (pod !== null) setAsked(pod);
  }, [pod]);
  return (
    <Modal
      opened={pod !== null}
      onClose={onClose}
      title={`Remove ${asked?.name ?? ''}?`}
      closeButtonProps={{ 'aria-label': 'Cancel' }}
    >
      <p style={{ marginTop: 0 }}>
        {asked?.declared
          ? 'It is in the lab file: Repair brings it back, with another address.'
          : 'It was added by hand: nothing brings it back.'}
      </p>
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          data-autofocus
          onClick={() => {
            if (pod !== null) askPod(client, lab, pod, 'remove');
            onClose();
          }}
        >
          Remove
        </Button>
      </Group>
    </Modal>
  );
}
