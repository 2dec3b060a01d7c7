import { startTestEtcd } from '../../../agent/lease/test-etcd.ts';
import { type Namespace, startHelper } from './processes.ts';

export const port = 2379;

/** Starts an etcd in a namespace and waits until it has these entries, whose keys are below the prefix. */
export async function startEtcd(where: Namespace, address: string, entries: readonly [string, string][]) {
  const etcd = await startTestEtcd({ address, port, namespace: where.name });
  await putEntries(where, address, entries);
  return { endpoint: etcd.endpoint, remove: () => etcd.remove() };
}

async function putEntries(
  where: Namespace,
  address: string,
  entries: readonly [string, string][],
): Promise<void> {
  const { child, output } = startHelper(where, 'put', `http://${address}:${port}`);
  child.stdin?.end(JSON.stringify(entries));
  await output;
}
