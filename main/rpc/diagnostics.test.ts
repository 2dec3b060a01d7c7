import { expect, it } from 'vitest';
import { describeEverything, withoutSecrets } from './diagnostics.ts';
import { newTask } from './task-state.ts';

it('keeps keys, tokens and the name of the user to itself', () => {
  const text = [
    '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----',
    'http://127.0.0.1:7117/?token=abc-DEF_1 was opened',
    'Authorization: Bearer-xyz',
    '{"password":"hunter2"}',
    '/home/ada/.local/state/flatland/labs/demo',
  ].join('\n');
  const shown = withoutSecrets(text, '/home/ada');
  for (const secret of ['abc', 'def', 'Bearer', 'hunter2', 'ada']) expect(shown).not.toContain(secret);
  expect(shown).toContain('~/.local/state/flatland/labs/demo');
});

it('says which tasks failed, of what, and ends with the log', () => {
  const task = {
    ...newTask(
      { id: 't', lab: 'demo', kind: 'up' as const, title: 'Bring up demo', cancellable: true },
      '2026-11-25T10:00:00.000Z',
    ),
    state: 'failed' as const,
    error: { code: 'host-silent' as const, message: 'h1 does not answer.', hint: '' },
    log: ['h1 boot: Started sshd.'],
  };
  const text = describeEverything({
    version: '1.2.3',
    labs: [],
    lab: null,
    tasks: [task],
    terminals: [],
    log: Array.from({ length: 100 }, (_, index) => `line ${index}`),
  });
  expect(text).toContain('Flatland 1.2.3');
  expect(text).toContain('host-silent: h1 does not answer.');
  expect(text).toContain('| h1 boot: Started sshd.');
  expect(text.endsWith('  line 99\n')).toBe(true);
  expect(text).not.toContain('line 39\n');
});
