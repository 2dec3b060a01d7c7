import { get } from 'node:http';
import { type AgentStatus, agentStatus } from '../../contract/agent.ts';
import { Failure } from '../failure.ts';
import type { Connection } from '../host/connection.ts';
import { statusSocket } from './agent.ts';

const largestAnswer = 4 * 1024 * 1024;

/** The agent's own status through the tunnel to its socket; null when no agent listens there. Rejects after 3 s. */
export function readAgentStatus(connection: Connection): Promise<AgentStatus | null> {
  return new Promise((resolve, reject) => {
    const request = get({
      host: 'agent',
      path: '/status',
      agent: connection.httpAgent(statusSocket),
      timeout: 3000,
    });
    request.on('timeout', () => request.destroy(new Error('the agent did not answer within 3 s')));
    request.on('error', (error) =>
      error instanceof Failure && error.error.code === 'command-failed' ? resolve(null) : reject(error),
    );
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > largestAnswer) request.destroy(new Error('the agent answered too much'));
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(agentStatus.parse(JSON.parse(text)));
        } catch (error) {
          reject(error);
        }
      });
    });
  });
}
