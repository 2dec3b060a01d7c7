import { fileURLToPath } from 'node:url';

// The entry of the command line: `flatland` starts it. Everything heavy is loaded by the command that needs it.
import { runCommandLine } from './run.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
process.exitCode = await runCommandLine(process.argv.slice(2), root);
