import { expect, test } from 'vitest';
import { testHost, testLab } from '../stream/fixture.ts';
import { testTask } from '../tasks/fixture.ts';
import { stageOf } from './lab-stage.ts';

const lab = testLab([testHost('a')]);
const running = testTask([]);

test('while a lab is built, its work is what there is to see', () => {
  expect(stageOf('demo', null, true, [running]).kind).toBe('work');
  expect(stageOf('demo', { ...lab, state: 'busy' }, true, [running])).toMatchObject({
    kind: 'work',
    lab: {},
  });
});

test('a lab that is up is shown, whatever was begun on others', () => {
  expect(stageOf('demo', lab, true, []).kind).toBe('lab');
  expect(stageOf('demo', lab, true, [{ ...running, lab: 'other' }]).kind).toBe('lab');
  expect(stageOf('demo', lab, true, [{ ...running, kind: 'probe' }]).kind).toBe('lab');
  expect(stageOf('demo', lab, true, [{ ...running, state: 'failed' }]).kind).toBe('lab');
});

test('work that failed stays while the lab is not there or only half of it', () => {
  const failed = { ...running, state: 'failed' } as const;
  expect(stageOf('demo', null, true, [failed]).kind).toBe('work');
  expect(stageOf('demo', { ...lab, state: 'half-built' }, true, [failed]).kind).toBe('work');
  expect(stageOf('demo', { ...lab, state: 'half-built' }, true, []).kind).toBe('lab');
});

test('a lab that was taken down is gone, one that never was is absent, and before the stream began nobody knows', () => {
  expect(stageOf('demo', null, true, [{ ...running, kind: 'down', state: 'done' }]).kind).toBe('gone');
  expect(stageOf('demo', null, true, []).kind).toBe('absent');
  expect(stageOf('demo', null, false, []).kind).toBe('looking');
  expect(stageOf('other', lab, true, []).kind).toBe('absent');
});
