import { join } from 'node:path';
import { CommanderError } from 'commander';
import { type Asked, buildProgram, helpText, splitWords } from './program.ts';
import type { Terminal } from './terminal.ts';

/** Put in by the build; absent where the sources run as they are. */
declare const FLATLAND_VERSION: string | undefined;
const version = typeof FLATLAND_VERSION === 'string' ? FLATLAND_VERSION : 'unbuilt';

/** A closed pipe such as `| head` ends a command quietly; long work hears of it by itself and takes back what it did. */
function endQuietlyWithoutReader(working: () => boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!working()) process.exit(0);
    });
  }
}

async function answer(asked: Asked, terminal: Terminal, root: string): Promise<number> {
  switch (asked.command) {
    case 'version':
      process.stdout.write(`flatland ${version}\n`);
      return 0;
    case 'schema': {
      const { labFileJsonSchemaText } = await import('../../lab/file/schema.ts');
      process.stdout.write(labFileJsonSchemaText());
      return 0;
    }
    case 'completion': {
      const { completionScript } = await import('./complete.ts');
      process.stdout.write(await completionScript(asked.shell, join(root, 'resources', 'completion')));
      return 0;
    }
    default: {
      const { createRouter } = await import('../../create-router.ts');
      const { causeChain, writeJournal } = await import('./journal.ts');
      const router = createRouter((thrown) => writeJournal(`${asked.command}: ${causeChain(thrown)}`));
      try {
        switch (asked.command) {
          case 'up': {
            const usualFile = join(root, 'resources', 'labs', 'three-hosts.yaml');
            const { dryRun, up } = await import('./work.ts');
            return await (asked.dryRun ? dryRun : up)(router, terminal, asked, usualFile);
          }
          case 'down':
            return await (await import('./work.ts')).down(router, terminal, asked);
          case 'probe':
            return await (await import('./work.ts')).probe(router, terminal, asked);
          case 'ls':
            return await (await import('./look-up.ts')).list(router, terminal);
          case 'status':
            return await (await import('./look-up.ts')).status(router, terminal, asked);
          case 'run':
            return await (await import('./attend.ts')).run(router, terminal, {
              ...asked,
              command: asked.words,
            });
          case 'exec':
            return await (await import('./attend.ts')).exec(router, { ...asked, command: asked.words });
          case 'logs':
            return await (await import('./attend.ts')).logs(router, asked);
          case 'ui': {
            const files = join(root, 'out', 'renderer');
            return await (await import('./ui.ts')).ui(router, terminal, asked, { files, version });
          }
        }
      } finally {
        await router.close();
      }
    }
  }
}

/** commander's message as a sentence of ours. */
function usageMessage(error: CommanderError): string {
  const text = error.message
    .replace(/^error: /, '')
    .replace(
      /\s*\(Did you mean (one of )?(.*)\?\)/,
      (_, several, names) => `; did you mean ${several ? 'one of ' : ''}${names}?`,
    );
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?]$/.test(sentence) ? sentence : `${sentence}.`;
}

async function openTerminalFor(json: boolean): Promise<Terminal> {
  const { openTerminal } = await import('./terminal.ts');
  return openTerminal(process.env, json);
}

/** Does what a command line asks for; resolves to the exit code. */
export async function runCommandLine(words: readonly string[], root: string): Promise<number> {
  const { own, rest } = splitWords(words);
  const json = own.includes('--json');
  if (words[0] === '__complete') {
    const { complete } = await import('./complete.ts');
    process.stdout.write(
      (await complete(words.slice(1).filter((word, index) => index > 0 || word !== '--'))).join(''),
    );
    return 0;
  }
  let asked: Asked | null = null;
  const terminal = await openTerminalFor(json);
  const program = buildProgram(
    rest,
    (found) => {
      asked = found;
    },
    (title) => terminal.style(title, 'strong'),
  );
  endQuietlyWithoutReader(() => asked !== null && ['up', 'down', 'probe'].includes(asked.command));
  try {
    if (own.length === 0) {
      program.outputHelp();
      return 0;
    }
    if (own[0] === 'help') {
      const text = helpText(program, own[1]);
      if (text !== null) process.stdout.write(text);
      else if (own[1] === undefined) program.outputHelp();
      else await program.parseAsync([own[1]], { from: 'user' });
      return 0;
    }
    if (own[0] === '-V' || own[0] === '--version')
      return await answer({ command: 'version' }, terminal, root);
    await program.parseAsync(own, { from: 'user' });
    return asked === null ? 0 : await answer(asked, terminal, root);
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return 0;
      const { failure } = await import('../../failure.ts');
      const command = program.commands.find((each) => each.name() === own[0])?.name();
      const hint = `See \`flatland help${command === undefined ? '' : ` ${command}`}\`.`;
      return terminal.complain(failure('input-invalid', usageMessage(thrown), { hint }).error);
    }
    const { complainOf } = await import('./terminal.ts');
    return complainOf(terminal, thrown, process.env);
  }
}
