import { expect, it } from 'vitest';
import { newTask } from '../../rpc/task-state.ts';
import { opener, whatRuns } from './ui.ts';

it('opens a browser where there is a desktop to see it on', () => {
  expect(opener('linux', {})).toBeNull();
  expect(opener('linux', { DISPLAY: ':0' })).toEqual(['xdg-open']);
  expect(opener('linux', { WAYLAND_DISPLAY: 'wayland-0' })).toEqual(['xdg-open']);
  expect(opener('darwin', {})).toEqual(['open']);
});

it('names what would be cancelled', () => {
  const task = (title: string) =>
    newTask({ id: title, lab: 'demo', kind: 'up', title, cancellable: true }, '2026-11-25T10:00:00.000Z');
  const tasks = [task('Bring up demo'), { ...task('Probe demo'), state: 'done' as const }, task('Load x')];
  expect(whatRuns(tasks)).toMatch(/^Still at work: Bring up demo, Load x\./);
});
