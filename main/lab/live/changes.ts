import type { LiveHost, NetworkLink } from '../../../contract/live.ts';
import type { PodStatus } from '../../../contract/status.ts';
import type { HistoryDraft } from '../history.ts';

type Change = Pick<HistoryDraft, 'subject' | 'level' | 'title'> & { detail?: string | null; pod?: string };

function reachChanges({ name, reach: before }: LiveHost, { reach: after }: LiveHost): Change[] {
  if (after.kind === 'reconnecting' && before.kind !== 'reconnecting')
    return [{ subject: 'host', level: 'bad', title: `${name} does not answer`, detail: after.reason }];
  if (after.kind === 'connected' && before.kind === 'reconnecting')
    return [{ subject: 'host', level: 'good', title: `${name} answers again` }];
  return [];
}

/** A service that runs and then does not, or the other way round; on its way it does neither. */
function serviceChanges(before: LiveHost, after: LiveHost, service: 'agent' | 'etcd' | 'docker'): Change[] {
  const [was, is] = [before.status.services[service], after.status.services[service]];
  const title = { agent: 'The agent', etcd: 'etcd', docker: 'Docker' }[service];
  const down = (state: typeof is) => state === 'failed' || state === 'absent';
  if (!down(was) && down(is))
    return [{ subject: service, level: 'bad', title: `${title} of ${after.name} is down` }];
  if (was !== 'running' && was !== 'unknown' && is === 'running')
    return [{ subject: service, level: 'good', title: `${title} of ${after.name} runs` }];
  return [];
}

function agentChanges(before: LiveHost, after: LiveHost): Change[] {
  const [was, is] = [before.status.agent, after.status.agent];
  if (is === null) return [];
  const { name } = after;
  const changes: Change[] = [];
  if (was !== null && was.startedAt !== is.startedAt)
    changes.push({
      subject: 'agent',
      level: 'warning',
      title: `The agent of ${name} was restarted`,
      detail: is.version,
    });
  if (was !== null && was.phase !== is.phase) {
    const level = { starting: 'neutral', waiting: 'warning', ready: 'good', stopping: 'neutral' } as const;
    const title =
      is.phase === 'waiting' ? `The agent of ${name} waits` : `The agent of ${name} is ${is.phase}`;
    changes.push({ subject: 'agent', level: level[is.phase], title, detail: is.waitingFor });
  }
  if (was?.etcd.connected === true && !is.etcd.connected)
    changes.push({
      subject: 'agent',
      level: 'warning',
      title: `The agent of ${name} lost etcd`,
      detail: is.etcd.error,
    });
  if ((was?.subnet ?? null) !== is.subnet) {
    const lost = is.subnet === null;
    const moved = was?.subnet != null && !lost;
    const title = lost
      ? `${name} has no lease any more`
      : moved
        ? `The lease of ${name} moved to ${is.subnet}`
        : `${name} has the lease of ${is.subnet}`;
    const detail = was?.subnet == null ? null : `it was ${was.subnet}`;
    changes.push({ subject: 'lease', level: lost ? 'bad' : moved ? 'warning' : 'good', title, detail });
  }
  return changes;
}

function etcdChanges(before: LiveHost, after: LiveHost): Change[] {
  const { name, etcd } = after;
  if (etcd === null || !etcd.leader) return [];
  if (before.etcd?.leader === true && before.etcd.term === etcd.term) return [];
  return [{ subject: 'etcd', level: 'neutral', title: `${name} leads etcd`, detail: `term ${etcd.term}` }];
}

function podChanges(before: readonly PodStatus[], after: readonly PodStatus[]): Change[] {
  const runs = (pod: PodStatus | undefined) => pod?.state === 'running';
  const stopped = (pod: PodStatus | undefined) =>
    pod === undefined || pod.state === 'exited' || pod.state === 'missing';
  const names = [...new Set([...before, ...after].map(({ name }) => name))];
  return names.flatMap((pod): Change[] => {
    const was = before.find(({ name }) => name === pod);
    const is = after.find(({ name }) => name === pod);
    // Only what is in the lab file can be missed.
    if (was !== undefined && is === undefined)
      return [{ subject: 'pod', level: 'neutral', title: `${pod} was removed`, pod }];
    if (runs(was) && stopped(is))
      return [{ subject: 'pod', level: 'bad', title: `${pod} stopped`, detail: is?.state ?? null, pod }];
    if (stopped(was) && runs(is))
      return [{ subject: 'pod', level: 'good', title: `${pod} runs`, detail: is?.address ?? null, pod }];
    if (was?.address != null && is?.address != null && was.address !== is.address) {
      const title = `${pod} has another address, ${is.address}`;
      return [{ subject: 'pod', level: 'warning', title, detail: `it was ${was.address}`, pod }];
    }
    return [];
  });
}

/** A TUN device and a bridge without ports have no carrier to speak of, so being up is what the flags say. */
const isUp = ({ flags }: NetworkLink): boolean => flags.includes('UP');

function linkChanges(before: LiveHost, after: LiveHost): Change[] {
  const { name } = after;
  const names = [...new Set([...before.links, ...after.links].map((link) => link.name))];
  return names.flatMap((each): Change[] => {
    const was = before.links.find((link) => link.name === each);
    const is = after.links.find((link) => link.name === each);
    const changes: Change[] = [];
    const say = (level: Change['level'], title: string, detail: string | null = null) =>
      changes.push({ subject: 'host', level, title, detail });
    if (is === undefined) say('bad', `${each} of ${name} is gone`);
    else if (was === undefined) say('neutral', `${each} of ${name} is there`, is.addresses.join(', '));
    else {
      if (was.mtu !== is.mtu) say('warning', `MTU of ${each} on ${name} is ${is.mtu}`, `it was ${was.mtu}`);
      if (isUp(was) !== isUp(is))
        say(isUp(is) ? 'good' : 'bad', `${each} of ${name} is ${isUp(is) ? 'up' : 'down'}`);
    }
    return changes;
  });
}

/**
 * What a difference between two states of a host, seen at `at`, means for the history. Of a host that was never read before,
 * only that it does not answer is news; of one that was booted, only that. Pure.
 */
export function changesBetween(before: LiveHost, after: LiveHost, at: string): HistoryDraft[] {
  const changes: Change[] = reachChanges(before, after);
  if (before.bootedAt !== null && after.bootedAt !== null) {
    if (before.bootedAt !== after.bootedAt)
      changes.push({ subject: 'host', level: 'neutral', title: `${after.name} was booted` });
    else {
      for (const service of ['etcd', 'agent', 'docker'] as const)
        changes.push(...serviceChanges(before, after, service));
      changes.push(...agentChanges(before, after), ...etcdChanges(before, after));
      changes.push(...podChanges(before.status.pods, after.status.pods), ...linkChanges(before, after));
    }
  }
  return changes.map(({ detail = null, pod = null, ...change }) => ({
    at,
    ...change,
    detail,
    host: after.name,
    pod,
    pair: null,
  }));
}
