import { useCallback } from 'react';
import type { LabSource } from '../../contract/request.ts';
import { goTo } from '../app/location.ts';
import { places } from '../app/routes.ts';
import { type Call, useCall } from '../rpc/use-call.ts';
import { useClient } from '../rpc/use-client.ts';
import { useStream } from '../stream/store.ts';
import { freeLabName } from './health.ts';
import { rememberSource } from './sources.ts';

interface Begin extends Omit<Call, 'run'> {
  /** Begins to bring a lab up and goes to its screen, where its progress shows. */
  readonly begin: (lab: string, source: LabSource) => void;
  /** The one click: a lab of three hosts under a name that is free. */
  readonly quick: () => void;
}

export function useBegin(): Begin {
  const client = useClient();
  const { run, ...call } = useCall();
  const begin = useCallback(
    (lab: string, source: LabSource) => {
      void run(async () => {
        rememberSource(lab, source);
        await client.up.mutate(source);
        goTo(places.topology(lab));
      });
    },
    [client, run],
  );
  const quick = useCallback(() => {
    const { labs, tasks } = useStream.getState();
    const name = freeLabName(
      [...labs, ...tasks.filter(({ state }) => state === 'running').map(({ lab }) => ({ name: lab }))].map(
        (lab) => lab.name,
      ),
    );
    begin(name, { kind: 'generated', hosts: 3, backend: 'vxlan', name });
  }, [begin]);
  return { ...call, begin, quick };
}
