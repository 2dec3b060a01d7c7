import { expect, test } from 'vitest';
import { chordOf, chordsOf, keysOf, matchChord } from './shortcuts.ts';

const press = (
  key: string,
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {},
) => chordOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });

test('a key press is written as the shortcut that means it', () => {
  expect(press('k', { ctrlKey: true })).toBe(chordsOf('mod+K')[0]);
  expect(press('K', { metaKey: true, shiftKey: true })).toBe(chordsOf('mod+shift+K')[0]);
  expect(press('?', { shiftKey: true })).toBe(chordsOf('shift+?')[0]);
  expect(press('?')).toBe(chordsOf('?')[0]);
  expect(press('Enter', { ctrlKey: true })).toBe(chordsOf('mod+Enter')[0]);
});

const commands = [
  { name: 'tasks', shortcuts: ['t'] },
  { name: 'topology', shortcuts: ['g t', '1'] },
];

test('a sequence is one shortcut, and its last key alone may be another', () => {
  expect(matchChord(commands, [], 't')).toMatchObject({ kind: 'found', what: { name: 'tasks' } });
  expect(matchChord(commands, [], 'g')).toEqual({ kind: 'begun', chords: ['g'] });
  expect(matchChord(commands, ['g'], 't')).toMatchObject({ kind: 'found', what: { name: 'topology' } });
  expect(matchChord(commands, [], '1')).toMatchObject({ kind: 'found', what: { name: 'topology' } });
});

test('a key that continues nothing begins anew', () => {
  expect(matchChord(commands, ['g'], 'x')).toEqual({ kind: 'none' });
  expect(matchChord(commands, ['g'], '1')).toMatchObject({ kind: 'found' });
  expect(matchChord(commands, ['g'], 'g')).toEqual({ kind: 'begun', chords: ['g'] });
});

test('keys are shown as they are printed', () => {
  expect(keysOf('mod+shift+E', false)).toEqual([['Ctrl', 'Shift', 'E']]);
  expect(keysOf('mod+K', true)).toEqual([['⌘', 'K']]);
  expect(keysOf('g t', false)).toEqual([['G'], ['T']]);
});
