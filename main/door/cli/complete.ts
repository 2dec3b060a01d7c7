import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import type { Lab } from '../../../contract/lab.ts';
import { failure } from '../../failure.ts';
import { labNames, readRecord } from '../../lab/state.ts';
import { buildProgram, shells } from './program.ts';

/** The script that a shell reads once; it calls `flatland __complete` at each Tab. */
export async function completionScript(shell: string, directory: string): Promise<string> {
  const known = shells.find((name) => name === shell);
  if (known === undefined)
    throw failure(
      'input-invalid',
      `There is no completion for ${JSON.stringify(shell)}; known: ${shells.join(', ')}.`,
    );
  return readFile(join(directory, `flatland.${known}`), 'utf8');
}

/** A proposal and what it is; `file` stands for the shell's own completion of paths. */
interface Proposal {
  readonly word: string;
  readonly about: string;
}

async function labsOf(name: string | undefined): Promise<Lab[]> {
  const names = name === undefined ? await labNames() : [name];
  const records = await Promise.all(names.map(readRecord));
  return records.flatMap((record) => (record === null ? [] : [record.lab]));
}

const services = ['console', 'etcd', 'agent', 'docker', 'containerd'];

/** Proposals for the argument of that name. */
async function argumentProposals(argument: string, lab: string | undefined): Promise<Proposal[]> {
  switch (argument) {
    case 'lab':
      return (await labNames()).map((word) => ({ word, about: 'lab' }));
    case 'host':
      return (await labsOf(lab)).flatMap(({ name, hosts }) =>
        hosts.map((host) => ({ word: host.name, about: `host of ${name}` })),
      );
    case 'target':
      return (await labsOf(lab)).flatMap(({ name, hosts, pods }) => [
        ...hosts.map((host) => ({ word: host.name, about: `host of ${name}` })),
        ...pods.map((pod) => ({ word: pod.name, about: `pod of ${name}` })),
      ]);
    case 'pod':
      return (await labsOf(lab)).flatMap(({ name, pods }) =>
        pods.map((pod) => ({ word: pod.name, about: `pod of ${name}` })),
      );
    case 'service':
      return services.map((word) => ({ word, about: 'service' }));
    case 'shell':
      return shells.map((word) => ({ word, about: 'shell' }));
    case 'file':
      return [{ word: ':file', about: '' }];
    default:
      return [];
  }
}

const isCalled = (option: Option, word: string): boolean => word === option.short || word === option.long;
const takesValue = (option: Option): boolean => option.required || option.optional;

async function valueProposals(option: Option, lab: string | undefined): Promise<Proposal[]> {
  if (option.argChoices !== undefined)
    return option.argChoices.map((word) => ({ word, about: option.description }));
  switch (option.attributeName()) {
    case 'lab':
      return argumentProposals('lab', lab);
    case 'from':
      return argumentProposals('target', lab);
    case 'to':
      return argumentProposals('pod', lab);
    default:
      return [];
  }
}

/** What of a command's words are its arguments, and the value of `--lab` among its options. */
function takeApart(command: Command, words: readonly string[]): { given: string[]; lab: string | undefined } {
  const given: string[] = [];
  let lab: string | undefined;
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const option = command.options.find((each) => isCalled(each, word));
    if (option !== undefined && takesValue(option)) {
      index += 1;
      if (option.attributeName() === 'lab') lab = words[index];
    } else if (!word.startsWith('-')) given.push(word);
  }
  return { given, lab };
}

async function proposals(program: Command, words: readonly string[]): Promise<Proposal[]> {
  const [name, ...rest] = words;
  const commands = program.commands.map((each) => ({ word: each.name(), about: each.description() }));
  if (name === undefined || rest.length === 0) return commands;
  if (name === 'help') return [...commands, { word: 'exit-codes', about: 'what exit codes mean' }];
  const command = program.commands.find((each) => each.name() === name);
  if (command === undefined || rest.slice(0, -1).includes('--')) return [];
  const current = rest.at(-1) ?? '';
  const { given, lab } = takeApart(command, rest.slice(0, -1));
  const before = command.options.find((option) => isCalled(option, rest.at(-2) ?? ''));
  if (before !== undefined && takesValue(before)) return valueProposals(before, lab);
  if (current.startsWith('-'))
    return command.options.flatMap((option) =>
      option.long === undefined || option.long === null
        ? []
        : [{ word: option.long, about: option.description }],
    );
  const argument = command.registeredArguments[given.length];
  return argument === undefined ? [] : argumentProposals(argument.name(), lab);
}

/** Lines of `word<tab>about` for the last word, which may be empty. */
export async function complete(words: readonly string[]): Promise<string[]> {
  const program = buildProgram([], () => {});
  const current = words.at(-1) ?? '';
  const found = await proposals(program, words);
  return found
    .filter(({ word }) => word === ':file' || word.startsWith(current))
    .map(({ word, about }) => `${word}\t${about}\n`);
}
