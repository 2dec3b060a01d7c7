import type { ErrorCode } from '../../contract/error.ts';
import { Failure, failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';

/** A systemd unit of a host and the words and the error that belong to it. */
export interface Service {
  readonly unit: string;
  readonly name: string;
  /** What `flatland logs HOST …` calls it. */
  readonly log: string;
  readonly code: ErrorCode;
}

export const etcdService: Service = {
  unit: 'flatland-etcd.service',
  name: 'etcd',
  log: 'etcd',
  code: 'etcd-failed',
};
export const agentService: Service = {
  unit: 'flatland-agent.service',
  name: 'the agent',
  log: 'agent',
  code: 'agent-failed',
};
export const dockerService: Service = {
  unit: 'docker.service',
  name: 'Docker',
  log: 'docker',
  code: 'docker-failed',
};

/** The last lines of a unit's own log; nothing when the host does not answer. */
async function serviceLog(connection: Connection, unit: string, lines: number): Promise<string[]> {
  const result = await connection
    .exec(['journalctl', '--unit', unit, '--no-pager', '--output', 'cat', '--lines', String(lines)], {
      deadlineSeconds: 5,
      anyExit: true,
    })
    .catch(() => null);
  return result === null ? [] : result.stdout.split('\n').filter((line) => line.trim() !== '');
}

/**
 * Starts a unit, or restarts it, and waits until it says that it is ready. On failure, also when the wait is cut short,
 * the unit's last log lines go to `log`.
 */
export async function startService(
  connection: Connection,
  service: Service,
  act: 'start' | 'restart',
  context: { signal: AbortSignal; log: (line: string) => void },
): Promise<void> {
  try {
    await connection.exec(['systemctl', act, service.unit], { signal: context.signal });
  } catch (thrown) {
    const lines = await serviceLog(connection, service.unit, 12);
    for (const line of lines) context.log(line);
    if (thrown instanceof Failure && thrown.error.code === 'command-failed') {
      const last = lines.at(-1);
      throw failure(
        service.code,
        `${service.name} did not start on ${connection.name}${last === undefined ? '' : `: ${last}`}`,
        { cause: thrown, hint: `See \`flatland logs ${connection.name} ${service.log}\`.` },
      );
    }
    throw thrown;
  }
}
