import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconChevronDown, IconPlayerStopFilled, IconRepeat } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import type { FlatlandError } from '../../contract/error.ts';
import { toError } from '../rpc/client.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { useNow } from '../ui/use-now.ts';

const periods = [1, 2, 5, 10, 30, 60];
const everything = { from: null, to: null, kinds: null };

/** Repeats all probes every so many seconds, or stops that with null. */
export function useSchedule(lab: string, onError: (error: FlatlandError | null) => void) {
  const client = useClient();
  return useCallback(
    (everySeconds: number | null) => {
      onError(null);
      const schedule = everySeconds === null ? null : { everySeconds, selection: everything };
      client.schedule.mutate({ lab, schedule }).catch((thrown: unknown) => onError(toError(thrown)));
    },
    [client, lab, onError],
  );
}

function Countdown({ until }: { until: string }) {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - useNow()) / 1000));
  return <span className="number">{seconds === 0 ? 'now' : `${seconds} s`}</span>;
}

/** Starts and stops the repeating of probes, and counts down to the next time. */
export function ScheduleControl({ setSchedule }: { setSchedule: (everySeconds: number | null) => void }) {
  const schedule = useStream((stream) => stream.schedule);
  const [period, setPeriod] = useState(5);
  const shown = schedule?.everySeconds ?? period;
  return (
    <Button.Group>
      <Button
        size="xs"
        variant={schedule === null ? 'default' : 'light'}
        leftSection={schedule === null ? <IconRepeat size={14} /> : <IconPlayerStopFilled size={14} />}
        title={schedule === null ? 'Keep measuring (k)' : 'Stop repeating (k)'}
        aria-label={schedule === null ? `Measure every ${shown} s` : `Stop measuring every ${shown} s`}
        aria-pressed={schedule !== null}
        onClick={() => setSchedule(schedule === null ? shown : null)}
      >
        Every {shown} s{schedule !== null && <>, next in&nbsp;</>}
        {schedule !== null && <Countdown until={schedule.nextAt} />}
      </Button>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon
            variant="default"
            size={30}
            aria-label="How often to measure"
            title="How often to measure"
          >
            <IconChevronDown size={14} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Measure all pairs every</Menu.Label>
          {periods.map((seconds) => (
            <Menu.Item
              key={seconds}
              onClick={() => {
                setPeriod(seconds);
                setSchedule(seconds);
              }}
            >
              {seconds} s{seconds === schedule?.everySeconds ? ' (now)' : ''}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item disabled={schedule === null} onClick={() => setSchedule(null)}>
            Stop
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}
