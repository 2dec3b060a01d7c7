import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { linkedLab } from '../../main/door/electron/policy.ts';
import { root } from '../support/flatland.ts';

// electron-builder checks the fields of its configuration by itself; this checks that it says what we mean.

const resource = z.object({ from: z.string(), to: z.string() });
const configuration = z
  .object({
    asar: z.literal(true),
    files: z.array(z.string()),
    extraResources: z.array(resource),
    electronFuses: z.record(z.string(), z.boolean()),
    protocols: z.array(z.object({ schemes: z.array(z.string()) })),
    linux: z.object({ target: z.array(z.string()), icon: z.string(), extraResources: z.array(resource) }),
    mac: z.object({ target: z.string(), icon: z.string() }),
    win: z.object({ target: z.string(), icon: z.string() }),
  })
  .parse(parse(readFileSync(join(root, 'resources', 'package', 'electron-builder.yml'), 'utf8')));
const { main } = z
  .object({ main: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** Width and height of a PNG file (its IHDR chunk). */
const sizeOf = (path: string) => {
  const file = readFileSync(join(root, path));
  return [file.readUInt32BE(16), file.readUInt32BE(20)];
};

test('all fuses are set, each to its safer side', () => {
  expect(configuration.electronFuses).toEqual({
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    grantFileProtocolExtraPrivileges: false,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
  });
});

test('every system has its kind of package', () => {
  expect(configuration.linux.target).toEqual(['AppImage', 'deb']);
  expect(configuration.mac.target).toBe('dmg');
  expect(configuration.win.target).toBe('nsis');
});

test('what the app starts with and shows is in the archive, and no packages', () => {
  const folder = main.split('/').slice(0, 2).join('/');
  expect(configuration.files).toContain(`${folder}/**/*`);
  expect(configuration.files).toContain('out/renderer/**/*');
  expect(configuration.files).toContain('!node_modules{,/**/*}');
});

test('what root and hosts run is outside of the archive, where the app looks for it', () => {
  const outside = [...configuration.extraResources, ...configuration.linux.extraResources];
  expect(outside.map(({ to }) => to).sort()).toEqual(['agent', 'node', 'sandbox-root.cjs']);
});

test('deep links are those that the app understands', () => {
  for (const { schemes } of configuration.protocols)
    for (const scheme of schemes) expect(linkedLab([`${scheme}://lab/demo`])).toBe('demo');
});

test('the icons are as large as their systems want them', () => {
  for (const size of [16, 32, 48, 64, 128, 256, 512])
    expect(sizeOf(`${configuration.linux.icon}/${size}x${size}.png`)).toEqual([size, size]);
  expect(sizeOf(configuration.mac.icon)).toEqual([512, 512]);
  expect(sizeOf(configuration.win.icon)).toEqual([256, 256]);
  expect(existsSync(join(root, 'resources', 'icons', 'flatland.svg'))).toBe(true);
});
