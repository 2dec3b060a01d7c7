import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Path, waitForPeers } from './network.ts';
import { startHelper } from './processes.ts';

export type Blow = 'none' | 'restart' | 'kill';

/** Packets lost of those sent, the longest time in milliseconds without one, and how long the agent was not ready. */
export interface Loss {
  readonly sent: number;
  readonly lost: number;
  readonly longest: number;
  readonly away: number;
}

const perMillisecond = 10;
const sent = z.object({ sent: z.number() });
const received = z.object({ received: z.number(), longest: z.number() });
const lastLine = (text: string): unknown => JSON.parse(text.trim().split('\n').at(-1) ?? '');

/** Sends 10,000 packets a second between the containers while the first host's agent ends and starts again. */
export async function measureLoss(path: Path, blow: Blow, seconds: number): Promise<Loss> {
  const receiver = startHelper(path.to, 'receive');
  if (receiver.child.stdout !== null) await once(receiver.child.stdout, 'data');
  const sender = startHelper(path.from, 'send', path.target, seconds, perMillisecond);
  // The sender needs its time to start.
  await sleep(1200);
  const [agent] = path.agents;
  const began = performance.now();
  if (agent !== undefined && blow !== 'none') {
    await agent.end(blow === 'kill' ? 'SIGKILL' : 'SIGTERM');
    agent.launch();
    await waitForPeers(agent, 1);
  }
  const away = blow === 'none' ? 0 : performance.now() - began;
  const sending = sent.parse(lastLine(await sender.output));
  receiver.child.stdin?.end();
  const receiving = received.parse(lastLine(await receiver.output));
  return {
    sent: sending.sent,
    lost: sending.sent - receiving.received,
    longest: receiving.longest,
    away,
  };
}
