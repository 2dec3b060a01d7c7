import { staySmall } from './memory.ts';

/** How long what is left may take after a stop before the process ends anyway. */
const lingerMilliseconds = 3000;

async function begin(): Promise<void> {
  staySmall((line) => process.stderr.write(`${line}\n`));
  // Only now, for loading the rest takes the memory.
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
