import { expect, test } from 'vitest';
import { drawerKey, type KeyPress } from './keys.ts';

const press = (keys: string, code = ''): KeyPress => {
  const parts = keys.split('+');
  const has = (name: string) => parts.slice(0, -1).includes(name);
  return {
    key: parts.at(-1) ?? '',
    code,
    ctrlKey: has('ctrl'),
    metaKey: has('meta'),
    altKey: has('alt'),
    shiftKey: has('shift'),
  };
};

test('a shell keeps the keys that it lives by', () => {
  for (const keys of [
    'ctrl+c',
    'ctrl+d',
    'ctrl+k',
    'ctrl+r',
    'ctrl+v',
    'ctrl+w',
    'ctrl+ArrowLeft',
    'Tab',
    'shift+Tab',
    'Escape',
    'alt+b',
    'f',
    'F6',
  ])
    expect(drawerKey(press(keys), false), keys).toBeNull();
  expect(drawerKey(press('1', 'Digit1'), false)).toBeNull();
});

test('the drawer’s own keys, with the command key in place of control on a Mac', () => {
  expect(drawerKey(press('ctrl+`', 'Backquote'), false)).toEqual({ kind: 'leave' });
  expect(drawerKey(press('ctrl+`', 'Backquote'), true)).toEqual({ kind: 'leave' });
  expect(drawerKey(press('shift+F6'), false)).toEqual({ kind: 'tab-bar' });
  expect(drawerKey(press('ctrl+f'), false)).toEqual({ kind: 'find' });
  expect(drawerKey(press('ctrl+f'), true)).toBeNull();
  expect(drawerKey(press('meta+f'), true)).toEqual({ kind: 'find' });
  expect(drawerKey(press('ctrl+shift+ArrowRight'), false)).toEqual({ kind: 'step', by: 1 });
  expect(drawerKey(press('alt+3', 'Digit3'), false)).toEqual({ kind: 'tab', index: 2 });
  expect(drawerKey(press('ctrl+shift+C'), false)).toEqual({ kind: 'copy' });
});
