import { Button, Modal } from '@mantine/core';
import { create } from 'zustand';
import { useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { ErrorCard } from '../ui/error-card.tsx';
import { count } from '../ui/format.ts';
import styles from './take-down.module.css';

const useAsked = create<{ readonly lab: string | null }>(() => ({ lab: null }));

/** Asks whether a lab is to be taken down; `TakeDownDialog` shows the question. */
export const askTakeDown = (lab: string): void => useAsked.setState({ lab });

const close = () => useAsked.setState({ lab: null });

/** The question before a lab is taken down: it says what goes. */
export function TakeDownDialog() {
  const lab = useAsked((asked) => asked.lab);
  return (
    <Modal opened={lab !== null} onClose={close} title={`Take down ${lab ?? ''}?`}>
      {lab !== null && <Question lab={lab} />}
    </Modal>
  );
}

function Question({ lab }: { lab: string }) {
  const summary = useStream((stream) => stream.labs.find(({ name }) => name === lab));
  const client = useClient();
  const { busy, error, run } = useCall();
  const takeDown = async () => {
    if (await run(() => client.down.mutate({ lab }))) close();
  };
  return (
    <div className={styles['question']}>
      <p>What goes, without a trace on this machine:</p>
      <ul>
        {summary && <li>{count(summary.hosts, 'host')} with all that was changed on them</li>}
        {summary && <li>{count(summary.pods, 'pod')} and the images that were loaded</li>}
        <li>its network, its leases and its history</li>
      </ul>
      <p className={styles['note']}>
        To keep its shape, copy its YAML first: Edit shows it. Bringing it up again takes seconds.
      </p>
      {error && <ErrorCard error={error} where={`Taking down ${lab}`} lab={lab} />}
      <div className={styles['actions']}>
        <Button variant="default" onClick={close} data-autofocus>
          Keep it
        </Button>
        <Button color="red" loading={busy} onClick={() => void takeDown()}>
          Take it down
        </Button>
      </div>
    </div>
  );
}
