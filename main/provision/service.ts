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

/** Where a host says what a unit was started with; it is gone after a boot, as the unit's process is. */
const versionFile = (service: Service) => `/run/flatland/${service.log}.version`;

/** Whether a unit runs, and the version that `startService` was last given for it; null when there is none. */
export async function readService(
  connection: Connection,
  service: Service,
  signal: AbortSignal,
): Promise<{ readonly running: boolean; readonly startedWith: string | null }> {
  const { stdout } = await connection.script(
    'systemctl is-active "$1"; cat "$2" 2>/dev/null; exit 0',
    [service.unit, versionFile(service)],
    { signal, deadlineSeconds: 15 },
  );
  const [state, startedWith = ''] = stdout.split('\n');
  return { running: state === 'active', startedWith: startedWith === '' ? null : startedWith };
}

/** Starts a unit and waits for nothing: `startService` does that later. */
export async function startSoon(
  connection: Connection,
  service: Service,
  signal: AbortSignal,
): Promise<void> {
  await connection.exec(['systemctl', 'start', '--no-block', service.unit], { signal });
}

/**
 * Starts a unit, or restarts it, and waits until it says that it is ready; `version` is remembered once it is. On
 * failure, also when the wait is cut short, the unit's last log lines go to `log`.
 */
export async function startService(
  connection: Connection,
  service: Service,
  act: 'start' | 'restart',
  context: { signal: AbortSignal; log: (line: string) => void },
  version = '',
): Promise<void> {
  try {
    await connection.script(
      'systemctl "$1" "$2" || exit; mkdir -p /run/flatland; printf %s "$3" > "$4"',
      [act, service.unit, version, versionFile(service)],
      { signal: context.signal },
    );
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
