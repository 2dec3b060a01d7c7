import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flatlandError } from '../../../contract/error.ts';
import { planResult } from '../../../contract/request.ts';
import { ownState, root, run } from '../../../test/support/flatland.ts';

const state = ownState();
const directory = mkdtempSync(join(tmpdir(), 'fl test cli '));
const flatland = (...args: string[]) => run(state.directory, args);
const execute = promisify(execFile);

// The first call may build; the tests are about the ones after it.
beforeAll(() => flatland('version'));
afterAll(async () => {
  await state.remove();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('without a lab', () => {
  it('shows version and help', async () => {
    expect(await flatland('version')).toEqual({ code: 0, stdout: 'flatland 0.1.0\n', stderr: '' });
    expect((await flatland('--version')).stdout).toBe('flatland 0.1.0\n');
    const help = await flatland();
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Exit codes:');
    expect((await flatland('help', 'exec')).stdout).toContain(
      'flatland exec [options] <host|pod> -- command...',
    );
  });

  it('lists nothing', async () => {
    expect(await flatland('ls')).toMatchObject({
      code: 0,
      stdout: 'There is no lab; flatland up makes one.\n',
    });
    expect((await flatland('ls', '--json')).stdout).toBe('[]\n');
    expect(await flatland('down', '--all')).toMatchObject({ code: 0, stderr: 'There is no lab.\n' });
    expect(await flatland('status')).toMatchObject({ code: 2, stdout: '' });
  });

  it('suggests what a wrong word may have meant', async () => {
    const { code, stdout, stderr } = await flatland('stauts');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^✗ Unknown command 'stauts'; did you mean status\?\n {2}See `flatland help`/);
    expect((await flatland('up', '--hosts', '0')).stderr).toContain('from 1 to 64');
  });

  it('prints the schema that is checked in', async () => {
    const { stdout } = await flatland('schema');
    expect(JSON.parse(stdout)).toMatchObject({ title: 'Flatland lab file' });
    expect(stdout).toBe(readFileSync(join(root, 'resources', 'labs', 'lab.schema.json'), 'utf8'));
  });
});

describe('a lab file', () => {
  it('is wrong at a line and a column', async () => {
    const path = write('wrong lab.yaml', 'name: demo\nhosts:\n  - name: h1\n  - nam: h2\n');
    const { code, stderr } = await flatland('up', path);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:4:5: `);
    expect(stderr).not.toMatch(/ at .*\.js|node:internal/);
  });

  it('is told from numbers, for people and programs', async () => {
    const { code, stdout, stderr } = await flatland('up', 'x.yaml', '--hosts', '3', '--json');
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    const { error } = z.object({ error: flatlandError }).parse(JSON.parse(stdout));
    expect(error.code).toBe('input-invalid');
  });

  it('is planned without a trace', async () => {
    const { code, stdout } = await flatland('up', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lab flatland · \d+ steps on 3 hosts\n/);
    expect(stdout).toContain('nothing was touched');
    const plan = planResult.parse(
      JSON.parse((await flatland('up', '--dry-run', '--json', '--hosts', '5')).stdout),
    );
    expect(plan.steps.filter(({ id }) => id.startsWith('boot:'))).toHaveLength(5);
    expect(existsSync(join(state.directory, 'flatland', 'labs'))).toBe(false);
  });
});

describe('the launcher', () => {
  it('works through a link, from anywhere', async () => {
    const link = join(directory, 'a link');
    symlinkSync(join(root, 'flatland'), link);
    expect((await execute(link, ['version'], { cwd: '/' })).stdout).toBe('flatland 0.1.0\n');
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn('sh', ['-c', '"$0" schema | head -n 1', join(root, 'flatland')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    await new Promise((resolve) => child.on('close', resolve));
    expect(output).toBe('{\n');
  });
});

/** What bash proposes after these words, with the completion script loaded as a user would. */
async function bashProposes(...words: string[]): Promise<string[]> {
  const script = [
    'flatland() { "$FLATLAND" "$@"; }',
    'source <(flatland completion bash)',
    'COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))',
    '_flatland',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is bash.
    'for word in "${COMPREPLY[@]}"; do echo "$word"; done',
  ].join('\n');
  const env = { ...process.env, FLATLAND: join(root, 'flatland'), XDG_STATE_HOME: state.directory };
  const { stdout } = await execute('bash', ['-c', script, 'bash', 'flatland', ...words], {
    env,
    cwd: directory,
  });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('completion in bash', () => {
  it('knows commands, options and their values', async () => {
    expect(await bashProposes('')).toEqual(expect.arrayContaining(['up', 'down', 'status', 'completion']));
    expect(await bashProposes('st')).toEqual(['status']);
    expect(await bashProposes('up', '--b')).toEqual(['--backend']);
    expect(await bashProposes('up', '--backend', '')).toEqual(['vxlan', 'udp', 'host-gw']);
    expect(await bashProposes('completion', 'z')).toEqual(['zsh']);
    expect(await bashProposes('logs', 'h1', 'e')).toEqual(['etcd']);
  });

  it('leaves files to the shell', async () => {
    write('found.yaml', '');
    expect(await bashProposes('up', 'fou')).toEqual(['found.yaml']);
  });

  it('is there for three shells, and says so when asked for another', async () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await flatland('completion', shell)).stdout).toContain('__complete');
    const { code, stderr } = await flatland('completion', 'csh');
    expect(code).toBe(2);
    expect(stderr).toContain('known: bash, zsh, fish');
  });
});
