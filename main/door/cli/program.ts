import { type Argument, Command, InvalidArgumentError, Option } from 'commander';
import { type ProbeKind, probeKind } from '../../../contract/probe.ts';

/** What was asked for on the command line, once commander has taken it apart. */
export type Asked =
  | {
      readonly command: 'up';
      readonly file: string | undefined;
      readonly hosts: number | undefined;
      readonly backend: string | undefined;
      readonly name: string | undefined;
      readonly dryRun: boolean;
      readonly json: boolean;
    }
  | {
      readonly command: 'down';
      readonly lab: string | undefined;
      readonly all: boolean;
      readonly json: boolean;
    }
  | { readonly command: 'ls'; readonly json: boolean }
  | {
      readonly command: 'status';
      readonly lab: string | undefined;
      readonly watch: boolean;
      readonly json: boolean;
    }
  | {
      readonly command: 'probe';
      readonly lab: string | undefined;
      readonly from: string | undefined;
      readonly to: string | undefined;
      readonly kinds: readonly ProbeKind[] | undefined;
      readonly json: boolean;
    }
  | {
      readonly command: 'run';
      readonly host: string;
      readonly image: string | undefined;
      readonly lab: string | undefined;
      readonly name: string | undefined;
      readonly labels: Readonly<Record<string, string>>;
      readonly words: readonly string[];
      readonly json: boolean;
    }
  | {
      readonly command: 'exec';
      readonly target: string;
      readonly words: readonly string[];
      readonly lab: string | undefined;
      readonly tty: boolean | undefined;
    }
  | {
      readonly command: 'logs';
      readonly host: string;
      /** undefined: `host` names a pod. */
      readonly service: string | undefined;
      readonly follow: boolean;
      readonly lines: number;
      readonly lab: string | undefined;
    }
  | { readonly command: 'ui'; readonly port: number | undefined; readonly open: boolean }
  | { readonly command: 'schema' }
  | { readonly command: 'completion'; readonly shell: string }
  | { readonly command: 'version' };

export const shells = ['bash', 'zsh', 'fish'] as const;
const backends = ['vxlan', 'udp', 'host-gw'];

/** Reads a whole number between two bounds. */
const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < least || value > most)
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  return value;
};

/** Adds one kind of probe to those that were named before it. */
function addKind(text: string, before: readonly ProbeKind[] | undefined): ProbeKind[] {
  const kind = probeKind.safeParse(text);
  if (!kind.success) throw new InvalidArgumentError(`Allowed choices are ${probeKind.options.join(', ')}.`);
  return [...(before ?? []), kind.data];
}

/** Adds one label to those that were given before it. */
function addLabel(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError('A label is a key and a value such as tier=web.');
  return { ...before, [key]: value };
}

const exitCodes = `Exit codes:
  0    done                        3    this machine lacks something
  1    something failed            4    a clash, or another command is at work
  2    the input is wrong          5    the proof is not green
  130  cancelled; \`exec\` and \`ssh\` end with the code of their command`;

const examples = `Examples:
  flatland up                              three hosts, two pods each
  flatland up --hosts 5 --backend host-gw  another size, another backend
  flatland exec h1 -- docker ps            a command on a host
  flatland down                            gone without a trace`;

/** Splits a command line at its first \`--\`: what follows belongs to the command that is run on a host. */
export function splitWords(words: readonly string[]): { own: string[]; rest: string[] } {
  const index = words.indexOf('--');
  return index < 0
    ? { own: [...words], rest: [] }
    : { own: words.slice(0, index), rest: words.slice(index + 1) };
}

const argumentTerm = (argument: Argument): string => {
  const name = argument.name() + (argument.variadic ? '…' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
};

/** A command line reader that reports what was asked for. It writes nothing but help, and throws a CommanderError. */
export function buildProgram(
  rest: readonly string[],
  tell: (asked: Asked) => void,
  styleTitle: (title: string) => string = (title) => title,
): Command {
  const program = new Command('flatland')
    .description('A flat container network over several hosts: up, proved and gone in seconds.')
    .enablePositionalOptions()
    .helpCommand(false)
    .helpOption('-h, --help', 'show help')
    .option('-V, --version', 'show the version')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .configureHelp({
      subcommandTerm: (each) => [each.name(), ...each.registeredArguments.map(argumentTerm)].join(' '),
      styleTitle: (title) => styleTitle(title),
    })
    .addHelpText('after', () => `\n${examples}\n\n${exitCodes}`);

  const command = (name: string, description: string, group: string): Command =>
    program.command(name).description(description).helpGroup(group).helpOption('-h, --help', 'show help');
  const json = () => new Option('--json', 'print JSON for programs');
  const oneLab = () => new Option('--lab <lab>', 'the lab; needed only when there are several');

  const labs = 'Labs:';
  command('up', 'bring up a lab, or finish it, or change it', labs)
    .argument('[file]', 'lab file (YAML); three hosts when left out')
    .addOption(
      new Option('--hosts <number>', 'so many hosts with two pods each, without a file').argParser(
        wholeNumber(1, 64),
      ),
    )
    .addOption(new Option('--backend <backend>', 'backend of the overlay, without a file').choices(backends))
    .option('--name <name>', 'name of the lab')
    .option('--dry-run', 'show the plan and its cost, touch nothing')
    .addOption(json())
    .action(
      (
        file: string | undefined,
        options: { hosts?: number; backend?: string; name?: string; dryRun?: true; json?: true },
      ) =>
        tell({
          command: 'up',
          file,
          hosts: options.hosts,
          backend: options.backend,
          name: options.name,
          dryRun: options.dryRun ?? false,
          json: options.json ?? false,
        }),
    );
  command('down', 'take a lab down, without a trace', labs)
    .argument('[lab]', 'name of the lab; the only one when left out')
    .option('--all', 'take down every lab')
    .addOption(json())
    .action((lab: string | undefined, options: { all?: true; json?: true }) =>
      tell({ command: 'down', lab, all: options.all ?? false, json: options.json ?? false }),
    );
  command('ls', 'list the labs', labs)
    .addOption(json())
    .action((options: { json?: true }) => tell({ command: 'ls', json: options.json ?? false }));
  command('status', 'show hosts, agents, Docker, etcd and pods', labs)
    .argument('[lab]', 'name of the lab; the only one when left out')
    .option('-w, --watch', 'show it again every two seconds')
    .addOption(json())
    .action((lab: string | undefined, options: { watch?: true; json?: true }) =>
      tell({ command: 'status', lab, watch: options.watch ?? false, json: options.json ?? false }),
    );
  command('probe', 'prove that every pod reaches every other', labs)
    .argument('[lab]', 'name of the lab; the only one when left out')
    .option('--from <end>', 'only from this pod or host')
    .option('--to <pod>', 'only to this pod')
    .addOption(
      new Option('--kind <kind>', 'only this kind of probe; may be given again')
        .choices(probeKind.options)
        .argParser(addKind),
    )
    .addOption(json())
    .action(
      (lab: string | undefined, options: { from?: string; to?: string; kind?: ProbeKind[]; json?: true }) =>
        tell({
          command: 'probe',
          lab,
          from: options.from,
          to: options.to,
          kinds: options.kind,
          json: options.json ?? false,
        }),
    );

  command('ui', 'show the labs in a browser', labs)
    .addOption(
      new Option('-p, --port <number>', 'port on 127.0.0.1; 7117 or the next free one').argParser(
        wholeNumber(1, 65_535),
      ),
    )
    .option('--no-open', 'print the link, open no browser')
    .action((options: { port?: number; open: boolean }) =>
      tell({ command: 'ui', port: options.port, open: options.open }),
    );

  const inside = 'Inside a lab:';
  command('run', 'start a container with an address', inside)
    .usage('[options] <host> [image] [-- command...]')
    .argument('<host>', 'host that it runs on')
    .argument('[image]', 'image; the built-in one serves HTTP on port 80')
    .option('--name <name>', 'name of the pod')
    .addOption(
      new Option('--label <key=value>', 'label of the container; may be given again').argParser(addLabel),
    )
    .addOption(oneLab())
    .addOption(json())
    .action(
      (
        host: string,
        image: string | undefined,
        options: { name?: string; label?: Record<string, string>; lab?: string; json?: true },
      ) =>
        tell({
          command: 'run',
          host,
          image,
          name: options.name,
          labels: options.label ?? {},
          lab: options.lab,
          words: rest,
          json: options.json ?? false,
        }),
    );
  command('exec', 'run a command on a host or in a pod', inside)
    .usage('[options] <host|pod> -- command...')
    .passThroughOptions()
    .argument('<target>', 'host or pod')
    .argument('[command...]', 'the command and its arguments')
    .option('-t, --tty', 'with a terminal; the usual way when there is one')
    .option('-T, --no-tty', 'without a terminal')
    .addOption(oneLab())
    .action((target: string, words: string[], options: { tty?: boolean; lab?: string }) =>
      tell({ command: 'exec', target, words: [...words, ...rest], tty: options.tty, lab: options.lab }),
    );
  command('ssh', 'open a shell on a host', inside)
    .argument('<host>', 'host or pod')
    .addOption(oneLab())
    .action((target: string, options: { lab?: string }) =>
      tell({ command: 'exec', target, words: [], tty: undefined, lab: options.lab }),
    );
  command('logs', 'show the log of a service of a host, or of a pod', inside)
    .usage('[options] <host> <service> | <pod>')
    .argument('<target>', 'host or pod')
    .argument('[service]', 'of a host: console, etcd, agent, docker, containerd or a systemd unit')
    .option('-f, --follow', 'go on as the log grows')
    .addOption(
      new Option('-n, --lines <number>', 'so many last lines')
        .argParser(wholeNumber(1, 1_000_000))
        .default(100),
    )
    .addOption(oneLab())
    .action(
      (host: string, service: string | undefined, options: { follow?: true; lines: number; lab?: string }) =>
        tell({
          command: 'logs',
          host,
          service,
          follow: options.follow ?? false,
          lines: options.lines,
          lab: options.lab,
        }),
    );

  const more = 'More:';
  command('schema', 'print the JSON Schema of lab files', more).action(() => tell({ command: 'schema' }));
  command('completion', 'print the completion script of a shell', more)
    .argument('<shell>', shells.join(', '))
    .addHelpText('after', '\nFor bash:\n  source <(flatland completion bash)')
    .action((shell: string) => tell({ command: 'completion', shell }));
  command('version', 'show the version', more).action(() => tell({ command: 'version' }));
  command('help', 'show help on a command or exit-codes', more).argument('[topic]', 'command or exit-codes');
  return program;
}

/** Help on a topic; null when there is no such topic. */
export function helpText(program: Command, topic: string | undefined): string | null {
  if (topic === undefined) return null;
  if (topic === 'exit-codes') return `${exitCodes}\n`;
  return program.commands.find((each) => each.name() === topic)?.helpInformation() ?? null;
}
