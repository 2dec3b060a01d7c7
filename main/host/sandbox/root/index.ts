import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Performed, type RootReply, rootRequest, type Verb } from '../verbs.ts';
import { startHost, stopHost } from './machine.ts';
import { lowerUnderlay, raiseUnderlay } from './underlay.ts';

/** The only program of Flatland that runs as root: it reads one JSON request a line, and answers one JSON line each. */

const units = join(__dirname, '..', 'resources', 'sandbox');

/** One root program a lab: another one that still ends its last request is waited for. The kernel frees the name with the process. */
function claim(lab: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  return new Promise((resolve, reject) => {
    const attempt = () => {
      const server = createServer();
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EADDRINUSE' || Date.now() > deadline)
          reject(new Error(`another command still changes lab ${lab}`));
        else setTimeout(attempt, 20);
      });
      server.listen(`\0flatland-root-${lab}`, () => {
        server.unref();
        resolve();
      });
    };
    attempt();
  });
}

async function perform(request: Verb): Promise<Performed> {
  switch (request.verb) {
    case 'raise-underlay':
      return { pid: null, changed: await raiseUnderlay(request) };
    case 'start-host':
      return startHost(request, units);
    case 'stop-host':
      await stopHost(request);
      return { pid: null, changed: true };
    case 'lower-underlay':
      await lowerUnderlay(request.lab);
      return { pid: null, changed: true };
  }
}

const claims = new Map<string, Promise<void>>();

async function answer(line: string): Promise<RootReply> {
  let id = 0;
  try {
    const parsed = rootRequest.parse(JSON.parse(line));
    id = parsed.id;
    const lab = parsed.request.lab;
    let claimed = claims.get(lab);
    if (claimed === undefined) {
      claimed = claim(lab);
      claims.set(lab, claimed);
    }
    await claimed;
    return { id, outcome: 'done', ...(await perform(parsed.request)) };
  } catch (error) {
    return { id, outcome: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

// The caller may die at any time: what was begun is ended all the same, so that its ledger stays true.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
createInterface({ input: process.stdin }).on('line', (line) => {
  void answer(line).then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
});
