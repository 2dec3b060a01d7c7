import { raceAbort } from '../../abort.ts';
import { failure } from '../../failure.ts';
import type { Connection } from '../../host/connection.ts';
import { endOfLook, type Observation, observationScript, parseObservation } from './observation.ts';

export interface Looker {
  /** One look at the host. Rejects when `signal` fires, and with `host-lost` when the host does not answer within 5 s. */
  look(signal: AbortSignal): Promise<Observation>;
  close(): void;
}

/** A host that says nothing for so long is lost, frozen or not. */
const patienceSeconds = 5;
const largestLook = 4 * 1024 * 1024;

/** Starts the script that looks at a host, over one channel that is kept. One look at a time. */
export async function openLooker(connection: Connection): Promise<Looker> {
  const command = await connection.start(['sh', '-c', observationScript]);
  const end = `${endOfLook}\n`;
  let text = '';
  let answer: ((look: string) => void) | null = null;
  let fail: ((reason: unknown) => void) | null = null;
  let ended: unknown = null;
  const finish = (reason: unknown) => {
    ended = reason;
    fail?.(reason);
  };
  command.exit.then((code) => {
    finish(failure('host-lost', `${connection.name}: what looks at the host ended with code ${code}.`));
  }, finish);
  command.stdin.on('error', () => {});
  command.stderr.resume();
  command.stdout.setEncoding('utf8');
  command.stdout.on('data', (part: string) => {
    text += part;
    if (text.length > largestLook) finish(failure('internal', `${connection.name} says too much of itself.`));
    const mark = text.indexOf(end);
    if (mark < 0) return;
    const look = text.slice(0, mark);
    text = text.slice(mark + end.length);
    answer?.(look);
  });
  return {
    async look(signal) {
      if (ended !== null) throw ended;
      const next = new Promise<string>((resolve, reject) => {
        answer = resolve;
        fail = reject;
      });
      const timer = setTimeout(
        () => fail?.(failure('host-lost', `no answer within ${patienceSeconds} s`)),
        patienceSeconds * 1000,
      );
      command.stdin.write('\n');
      try {
        const seen = await raceAbort(next, signal);
        try {
          return parseObservation(seen);
        } catch (cause) {
          throw failure('internal', 'what it says of itself cannot be read', { cause });
        }
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => command.stdin.end(),
  };
}
