import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { type Asked, buildProgram, helpText, splitWords } from './program.ts';

async function read(...words: string[]): Promise<Asked | string> {
  const { own, rest } = splitWords(words);
  let asked: Asked | string = 'nothing';
  const program = buildProgram(rest, (found) => {
    asked = found;
  });
  try {
    await program.parseAsync(own, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.message;
    throw error;
  }
  return asked;
}

describe('the command line', () => {
  it('reads what up is asked for', async () => {
    expect(await read('up', '--hosts', '5', '--backend=udp', '--name', 'demo', '--dry-run')).toEqual({
      command: 'up',
      file: undefined,
      hosts: 5,
      backend: 'udp',
      name: 'demo',
      dryRun: true,
      json: false,
    });
    expect(await read('up', 'my lab.yaml', '--json')).toMatchObject({
      file: 'my lab.yaml',
      json: true,
      dryRun: false,
    });
  });

  it('leaves what follows -- to the command on the host', async () => {
    const asked = await read('exec', '--lab', 'x', 'h1', '--', 'sh', '-c', 'a -- b', '--lab');
    expect(asked).toEqual({
      command: 'exec',
      target: 'h1',
      words: ['sh', '-c', 'a -- b', '--lab'],
      tty: undefined,
      lab: 'x',
    });
    expect(await read('exec', 'h1', 'ls', '-l')).toMatchObject({ target: 'h1', words: ['ls', '-l'] });
    expect(await read('exec', '-t', 'h1')).toMatchObject({ words: [], tty: true });
    expect(await read('exec', '-T', 'h1')).toMatchObject({ tty: false });
    expect(await read('run', 'h1', '--', 'sleep', '5')).toMatchObject({
      host: 'h1',
      image: undefined,
      words: ['sleep', '5'],
    });
    expect(await read('run', 'h1', 'nginx', '--name', 'web')).toMatchObject({
      image: 'nginx',
      name: 'web',
      words: [],
    });
  });

  it('reads the rest', async () => {
    expect(await read('down', '--all')).toEqual({ command: 'down', lab: undefined, all: true, json: false });
    expect(await read('status', 'x', '-w')).toEqual({
      command: 'status',
      lab: 'x',
      watch: true,
      json: false,
    });
    expect(await read('probe', 'x', '--from', 'h1', '--to=h2-a', '--kind', 'ping', '--kind', 'mtu')).toEqual({
      ...{ command: 'probe', lab: 'x', from: 'h1', to: 'h2-a', kinds: ['ping', 'mtu'], json: false },
    });
    expect(await read('probe')).toMatchObject({ from: undefined, kinds: undefined });
    expect(await read('run', 'h1', '--label', 'tier=web', '--label', 'note=a=b')).toMatchObject({
      labels: { tier: 'web', note: 'a=b' },
    });
    expect(await read('logs', 'h1', 'etcd', '-fn', '5')).toMatchObject({ follow: true, lines: 5 });
    expect(await read('logs', 'h1-a')).toMatchObject({ host: 'h1-a', service: undefined, lines: 100 });
    expect(await read('ssh', 'h1')).toMatchObject({ command: 'exec', target: 'h1', words: [] });
  });

  it('says what is wrong', async () => {
    expect(await read('pu')).toContain('Did you mean up?');
    expect(await read('up', '--hostz', '3')).toContain('Did you mean --hosts?');
    expect(await read('up', '--hosts', '65')).toContain('whole number from 1 to 64');
    expect(await read('up', '--hosts', '1e1')).toContain('whole number');
    expect(await read('up', '--backend', 'gre')).toContain('Allowed choices are vxlan, udp, host-gw');
    expect(await read('probe', '--kind', 'traceroute')).toContain(
      'Allowed choices are ping, mtu, source, http',
    );
    expect(await read('run', 'h1', '--label', 'web')).toContain('such as tier=web');
    expect(await read('logs')).toContain("missing required argument 'target'");
    expect(await read('ls', 'x')).toContain('too many arguments');
  });

  it('has help on every command, without a word about defaults that go without saying', () => {
    const program = buildProgram([], () => {});
    for (const command of program.commands) {
      const text = helpText(program, command.name()) ?? '';
      expect(text).toContain(`flatland ${command.name()}`);
      expect(text).not.toContain('default: false');
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(helpText(program, 'exit-codes')).toContain('the proof is not green');
    expect(helpText(program, 'nothing')).toBeNull();
  });
});
