import { createHash } from 'node:crypto';
import type { Connection, PlacedFile } from '../host/connection.ts';
import { cleanupCommand } from './agent.ts';
import { readAgentStatus } from './agent-status.ts';
import { digestOf } from './files.ts';
import { agentService, readService, startService } from './service.ts';

interface AgentWish {
  readonly files: readonly PlacedFile[];
  /** flannel's network configuration as it stands in etcd; an agent reads it once. */
  readonly network: string;
  /** The host's Node. */
  readonly node: string;
}

/**
 * Makes the agent run with the files and the configuration that it should have: left alone when it does, restarted when
 * it runs with others. What an agent of another configuration programmed is removed first. Resolves to its subnet.
 */
export async function ensureAgent(
  connection: Connection,
  { files, network, node }: AgentWish,
  context: { signal: AbortSignal; log: (line: string) => void; progress: (message: string) => void },
): Promise<{ readonly outcome: 'changed' | 'unchanged'; readonly subnet: string | null }> {
  const configuration = createHash('sha256').update(network).digest('hex').slice(0, 16);
  const version = `${configuration} ${digestOf(files)}`;
  const { running, startedWith } = await readService(connection, agentService, context.signal);
  if (!running || startedWith !== version) {
    const renewed = startedWith !== null && !startedWith.startsWith(`${configuration} `);
    if (renewed) {
      await connection.exec(['systemctl', 'stop', agentService.unit], { signal: context.signal });
      await connection.exec(cleanupCommand(node), { signal: context.signal });
    }
    const watcher = setInterval(() => {
      readAgentStatus(connection).then(
        (status) => {
          if (status?.waitingFor) context.progress(`waiting for ${status.waitingFor}`);
        },
        () => {},
      );
    }, 1000);
    try {
      const act = running && !renewed ? 'restart' : 'start';
      await startService(connection, agentService, act, context, version);
    } finally {
      clearInterval(watcher);
    }
  }
  const status = await readAgentStatus(connection);
  return {
    outcome: running && startedWith === version ? 'unchanged' : 'changed',
    subnet: status?.subnet ?? null,
  };
}
