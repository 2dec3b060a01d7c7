import { createServer, connect as dial } from 'node:net';
import { failure } from '../failure.ts';

/** An abstract Unix socket (unix(7)): the kernel frees the name when its process ends, however it ends. */
const lockName = (id: string) => `\0flatland-lab-${process.getuid?.() ?? 0}-${id}`;

/** What the command that holds a lab's lock says of itself, such as "up, process 4711"; null when nobody holds it. */
export function lockHolder(id: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = dial(lockName(id));
    let text = '';
    const end = (holder: string | null) => {
      socket.destroy();
      resolve(holder);
    };
    socket.setTimeout(500, () => end('another command'));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('end', () => end(text || 'another command'));
    socket.on('error', () => end(null));
  });
}

/** Takes the one lock of a lab; rejects with `lab-busy` and names who has it. Resolves to the function that frees it. */
export async function lockLab(name: string, id: string, work: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`${work}, process ${process.pid}`);
    // Whoever asks and then hangs on must not keep the lock from being freed.
    socket.destroySoon();
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(error));
    server.listen(lockName(id), resolve);
  }).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    const holder = (await lockHolder(id)) ?? 'another command';
    throw failure('lab-busy', `Lab ${name} is busy: ${holder} is at work on it.`);
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}

/** Waits for the short lock under which a lab's ranges are chosen; rejects with `lab-busy` after 10 s. */
export async function lockRanges(): Promise<() => Promise<void>> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await lockLab('(ranges)', 'ranges', 'choosing ranges');
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
