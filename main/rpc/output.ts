import { PassThrough, type Readable } from 'node:stream';
import type { OutputEvent } from '../../contract/watch.ts';
import { toFlatlandError } from '../failure.ts';
import type { ExecStreams } from '../router.ts';

/** Output that waits for a slow reader; more than that, and the command waits too. */
const waitingBytes = 256 * 1024;

/**
 * The output of a command as a stream of events, as fast as it is read: chunks, then how it ended. A command that fails
 * before it prints anything makes the stream fail. It is killed when the reader leaves.
 */
export async function* streamOutput(
  run: (streams: ExecStreams, signal: AbortSignal) => Promise<number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<OutputEvent, void, undefined> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  const output = new PassThrough({ highWaterMark: waitingBytes });
  controller.signal.addEventListener('abort', () => output.destroy(), { once: true });
  output.on('error', () => {});
  const ending = run({ input: null, output, error: output }, controller.signal).then(
    (code) => ({ type: 'ended' as const, code }),
    (thrown: unknown) => ({ type: 'lost' as const, thrown }),
  );
  const ended = ending.then(() => output.end());
  let sequence = 0;
  try {
    for await (const chunk of output as Readable & AsyncIterable<Buffer>) {
      yield { type: 'output', sequence, base64: chunk.toString('base64') };
      sequence += 1;
    }
    await ended;
    const end = await ending;
    if (end.type === 'ended') yield end;
    else if (sequence === 0) throw end.thrown;
    else yield { type: 'lost', reason: toFlatlandError(end.thrown).message };
  } catch (thrown) {
    if (!controller.signal.aborted) throw thrown;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}
