import { join } from 'node:path';
import { app, BrowserWindow, dialog, Menu, nativeTheme, protocol, screen, session, shell } from 'electron';
import { createRouter } from '../../create-router.ts';
import { toFlatlandError } from '../../failure.ts';
import { stateDirectory } from '../../lab/state.ts';
import { createScreens } from '../../rpc/create-screens.ts';
import { causeChain, readJournal, writeJournal } from '../cli/journal.ts';
import { openDoor } from './door.ts';
import { unpackResources } from './unpack.ts';

/** Put in by the build; absent where the sources run as they are. */
declare const FLATLAND_VERSION: string | undefined;
const version = typeof FLATLAND_VERSION === 'string' ? FLATLAND_VERSION : 'unbuilt';

const onFailure = (thrown: unknown) => writeJournal(`desktop: ${causeChain(thrown)}`);
const built = import.meta.dirname;
const setMenu = (template: Parameters<typeof Menu.buildFromTemplate>[0]) =>
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));

if (process.env['APPIMAGE'] !== undefined && app.isPackaged)
  process.env['FLATLAND_RESOURCES'] = unpackResources(process.resourcesPath, stateDirectory(), version);

// A system that shuts down, and a build that starts the app again, cannot wait for an answer.
const ended = new AbortController();
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort());

// Electron is ready only when this module has ended, so it is not waited for.
openDoor(
  { app, BrowserWindow, dialog, nativeTheme, protocol, screen, session, shell, setMenu },
  {
    platform: process.platform,
    words: process.argv.slice(1),
    developmentUrl: process.env['ELECTRON_RENDERER_URL'],
    screens: join(built, '..', 'renderer'),
    files: {
      preload: join(built, 'preload.cjs'),
      icon: join(built, '..', '..', 'resources', 'icons', '256x256.png'),
    },
    stateFile: join(stateDirectory(), 'window.json'),
    ended: ended.signal,
    onFailure,
  },
  () => createScreens({ router: createRouter(onFailure), version, onFailure, readLog: readJournal }),
).catch((thrown: unknown) => {
  onFailure(thrown);
  dialog.showErrorBox('Flatland could not start.', toFlatlandError(thrown).message);
  app.exit(1);
});
