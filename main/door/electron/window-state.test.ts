import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWindowState, placeWindow, smallestWindow } from './window-state.ts';

const laptop = { x: 0, y: 25, width: 1440, height: 875 };
const beside = { x: 1440, y: 0, width: 2560, height: 1440 };

describe('a window opens', () => {
  test('where it was, on whichever display that is', () => {
    const there = { x: 1600, y: 100, width: 1200, height: 800 };
    expect(placeWindow(there, [laptop, beside])).toEqual(there);
  });
  test('in its size alone when its display is gone', () => {
    const there = { x: 1600, y: 100, width: 1200, height: 800 };
    expect(placeWindow(there, [laptop])).toEqual({ width: 1200, height: 800 });
  });
  test('no larger than the display', () => {
    expect(placeWindow({ x: 5000, y: 0, width: 3800, height: 2100 }, [laptop])).toEqual({
      width: 1440,
      height: 875,
    });
  });
  test('in the usual size the first time, also without any display', () => {
    expect(placeWindow(null, [beside])).toEqual({ width: 1360, height: 880 });
    expect(placeWindow(null, [])).toEqual({ width: 1360, height: 880 });
  });
  test('with its upper edge within reach, wherever it was', () => {
    const length = fc.integer({ min: 1, max: 10_000 });
    const place = fc.integer({ min: -20_000, max: 20_000 });
    const remembered = fc.record({ x: place, y: place, width: length, height: length });
    fc.assert(
      fc.property(remembered, (there) => {
        const { x, y, width, height } = placeWindow(there, [laptop, beside]);
        expect(width).toBeGreaterThanOrEqual(smallestWindow.width);
        expect(height).toBeGreaterThanOrEqual(smallestWindow.height);
        if (x === undefined || y === undefined) return;
        const reachable = [laptop, beside].some(
          (area) =>
            y >= area.y &&
            y < area.y + area.height &&
            Math.min(x + width, area.x + area.width) - Math.max(x, area.x) >= 100,
        );
        expect(reachable).toBe(true);
      }),
    );
  });
});

describe('the state', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flatland-window-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('is there again at the next start', () => {
    const path = join(directory, 'made', 'window.json');
    const bounds = { x: 1, y: 2, width: 1000, height: 700 };
    openWindowState(path).update({ bounds, maximised: true });
    openWindowState(path).update({ theme: 'dark' });
    expect(openWindowState(path).read()).toEqual({ bounds, maximised: true, theme: 'dark' });
  });
  test.each(['', '{', '[]', '{"bounds":{"x":"a"},"maximised":false,"theme":"auto"}', '{"bounds":null}'])(
    'is fresh when its file holds %j',
    async (text) => {
      const path = join(directory, 'window.json');
      await writeFile(path, text);
      expect(openWindowState(path).read()).toEqual({ bounds: null, maximised: false, theme: 'auto' });
    },
  );
  test('that cannot be kept stops nobody', async () => {
    const path = join(directory, 'file', 'window.json');
    await writeFile(join(directory, 'file'), '');
    const state = openWindowState(path);
    state.update({ theme: 'light' });
    expect(state.read().theme).toBe('light');
    expect(await readFile(join(directory, 'file'), 'utf8')).toBe('');
  });
});
