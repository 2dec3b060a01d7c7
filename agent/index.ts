import { isMainThread } from 'node:worker_threads';

/** How long what is left may take after a stop before the process ends anyway. */
const lingerMilliseconds = 3000;

async function begin(): Promise<void> {
  // The threads of the udp backend run this file too; they load nothing of the rest.
  if (!isMainThread) {
    const { runUdpWorker } = await import('./backend/udp/worker.ts');
    await runUdpWorker();
    return;
  }
  const { main } = await import('./program.ts');
  const code = await main();
  process.exitCode = code;
  setTimeout(() => process.exit(code), lingerMilliseconds).unref();
}

begin().catch((error: unknown) => {
  process.stderr.write(
    `the agent can not begin: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
