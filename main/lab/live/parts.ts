import { z } from 'zod';
import type { AgentStatus } from '../../../contract/agent.ts';
import type { EtcdMember } from '../../../contract/live.ts';
import type { PodStatus } from '../../../contract/status.ts';
import { raceAbort } from '../../abort.ts';
import type { Connection } from '../../host/connection.ts';
import { readAgentStatus } from '../../provision/agent-status.ts';
import { dockerOf, dockerVersion, listPods, ownLabels } from '../../provision/docker.ts';
import type { MemberStatusReader } from '../../provision/etcd-status.ts';

/** A part of a host that may be silent while the host itself answers: then its value is null. */
export type Part<T> = () => Promise<T | null>;

/** No part may hold up the others for longer. */
const patienceMilliseconds = 2000;

/**
 * Asks a part, at most once at a time: while an earlier question is still open, that one's answer is waited for. Null when
 * there is none in time or it is an error.
 */
function part<T>(ask: (signal: AbortSignal) => Promise<T>): Part<T> {
  let open: Promise<T> | null = null;
  return async () => {
    const signal = AbortSignal.timeout(patienceMilliseconds);
    if (open === null) {
      const asked = ask(signal);
      open = asked;
      const settle = () => {
        open = null;
      };
      asked.then(settle, settle);
    }
    return raceAbort(open, signal).catch(() => null);
  };
}

export const agentPart = (connection: Connection): Part<AgentStatus | null> =>
  part(() => readAgentStatus(connection));

/** etcd is asked less often than the rest: nothing of what it says changes by the second. */
const memberEveryMilliseconds = 6000;

/** The member of a host, through a reader that is opened when it is first needed. Silence is asked about again at once. */
export function memberPart(open: () => Promise<MemberStatusReader>): {
  readonly ask: Part<EtcdMember>;
  close(): Promise<void>;
} {
  let reader: Promise<MemberStatusReader> | null = null;
  let value: EtcdMember | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  const ask = part(async (signal) => {
    reader ??= open();
    reader.catch(() => {
      reader = null;
    });
    return (await reader).read(signal);
  });
  return {
    async ask() {
      const now = performance.now();
      if (value !== null && now - askedAt < memberEveryMilliseconds) return value;
      askedAt = now;
      value = await ask();
      return value;
    },
    close: async () => {
      await reader?.then((opened) => opened.close()).catch(() => {});
    },
  };
}

interface DockerReading {
  readonly version: string;
  readonly pods: readonly PodStatus[];
}

const listed = z.array(
  z.object({
    Id: z.string(),
    State: z.string(),
    Names: z.array(z.string()),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  }),
);

/** Docker's version and pods. Containers are only inspected when the list of them, which costs one request, has changed. */
export function dockerPart(connection: Connection, host: string): Part<DockerReading> {
  const docker = dockerOf(connection);
  let version: string | null = null;
  let known: { readonly list: string; readonly pods: readonly PodStatus[] } | null = null;
  return part(async (signal) => {
    try {
      const filters = { label: [`${ownLabels}pod`] };
      const answer = await raceAbort(
        docker.listContainers({ all: true, filters, abortSignal: signal }),
        signal,
      );
      const list = JSON.stringify(listed.parse(answer));
      if (known?.list !== list)
        known = { list, pods: (await listPods(docker, host, signal)).map(({ status }) => status) };
      version ??= await raceAbort(dockerVersion(docker), signal);
      return { version, pods: known.pods };
    } catch (thrown) {
      // Another Docker may run when it answers again.
      version = null;
      throw thrown;
    }
  });
}
