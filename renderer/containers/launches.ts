import { create } from 'zustand';
import type { FlatlandError } from '../../contract/error.ts';
import type { RunRequest } from '../../contract/request.ts';
import { type Client, toError } from '../rpc/client.ts';

type LabRunRequest = RunRequest & { readonly lab: string };

/** A container that was asked for. `name` is known when it has one. */
export interface Launch {
  readonly id: string;
  readonly request: LabRunRequest;
  readonly state:
    | { readonly kind: 'waiting' }
    | { readonly kind: 'running' }
    | { readonly kind: 'done'; readonly name: string; readonly address: string | null }
    | { readonly kind: 'failed'; readonly error: FlatlandError };
}

/** Containers that were asked for in this window, the latest batch and what failed before. */
export const useLaunches = create<{ readonly launches: readonly Launch[] }>(() => ({ launches: [] }));

const atOnce = 6;
let total = 0;

const setState = (id: string, state: Launch['state']): void =>
  useLaunches.setState(({ launches }) => ({
    launches: launches.map((launch) => (launch.id === id ? { ...launch, state } : launch)),
  }));

export const forgetLaunch = (id: string): void =>
  useLaunches.setState(({ launches }) => ({ launches: launches.filter((launch) => launch.id !== id) }));

async function perform(client: Client, { id, request }: Launch): Promise<boolean> {
  setState(id, { kind: 'running' });
  try {
    const { name, address } = await client.run.mutate(request);
    setState(id, { kind: 'done', name, address });
    return true;
  } catch (thrown) {
    setState(id, { kind: 'failed', error: toError(thrown) });
    return false;
  }
}

/** Starts containers, several at once but in order on each host. Resolves to whether all of them started. */
export async function launchAll(client: Client, requests: readonly LabRunRequest[]): Promise<boolean> {
  const batch = requests.map((request): Launch => {
    total += 1;
    return { id: `launch ${total}`, request, state: { kind: 'waiting' } };
  });
  useLaunches.setState(({ launches }) => ({
    launches: [...launches.filter(({ state }) => state.kind !== 'done'), ...batch],
  }));
  const perHost = [...new Set(batch.map(({ request }) => request.host))].map((host) =>
    batch.filter(({ request }) => request.host === host),
  );
  let good = true;
  const work = async () => {
    for (let own = perHost.shift(); own !== undefined; own = perHost.shift())
      for (const launch of own) good = (await perform(client, launch)) && good;
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return good;
}

/** Tries once more what failed. */
export function launchAgain(client: Client, launch: Launch): void {
  void perform(client, launch);
}
