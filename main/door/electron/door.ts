import { z } from 'zod';
import type { DesktopCommand } from '../../../contract/desktop.ts';
import { toFlatlandError } from '../../failure.ts';
import type { Screens } from '../../rpc/screens.ts';
import { commandChannel, themeChannel } from './channels.ts';
import { createIpcServer } from './ipc.ts';
import { menuTemplate } from './menu.ts';
import type { ElectronParts, WindowPart } from './parts.ts';
import { isPermitted, isTrustedSender, linkedLab, pageFor } from './policy.ts';
import { registerScheme, serveScreens } from './protocol.ts';
import { mayQuit } from './quit.ts';
import { createWindow, groundOf, raise, type WindowFiles } from './window.ts';
import { openWindowState } from './window-state.ts';

/** What the door is told from outside; the rest it asks Electron for. */
export interface DoorSettings {
  readonly platform: NodeJS.Platform;
  /** The words that the app was started with: a deep link may be among them. */
  readonly words: readonly string[];
  /** A development server's URL that stands in for the built screens. */
  readonly developmentUrl: string | undefined;
  /** Directory of the built screens. */
  readonly screens: string;
  readonly files: WindowFiles;
  /** File that the windows' state is kept in. */
  readonly stateFile: string;
  /** Aborted when the app has to end without a question; labs stay up. */
  readonly ended: AbortSignal;
  readonly onFailure: (thrown: unknown) => void;
}

const theme = z.enum(['light', 'dark', 'auto']);

/**
 * Runs the desktop app until it quits; `openScreens` begins the work behind the windows, once this is known to be the only
 * instance. Resolves when the first window is there, or at once in a second instance, which hands over its words and ends.
 * Electron takes some of this only before it is ready, so nothing may be awaited before that.
 */
export async function openDoor(
  parts: ElectronParts,
  settings: DoorSettings,
  openScreens: () => Screens,
): Promise<void> {
  const { app, nativeTheme, session } = parts;
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  app.enableSandbox();
  registerScheme(parts.protocol);
  if (app.isPackaged) app.setAsDefaultProtocolClient('flatland');
  const page = pageFor(app.isPackaged, settings.developmentUrl);
  const screens = openScreens();
  const serve = createIpcServer(screens, settings.onFailure);
  const state = openWindowState(settings.stateFile);
  const system = (chosen: z.infer<typeof theme>) => (chosen === 'auto' ? 'system' : chosen);
  nativeTheme.themeSource = system(state.read().theme);

  /** The latest in front comes first; `loaded` resolves once a page can be told something. */
  let windows: readonly { readonly window: WindowPart; readonly loaded: Promise<void> }[] = [];
  let stage: 'open' | 'asking' | 'ending' | 'ended' = 'open';

  const openWindow = () => {
    const window = createWindow(parts, state, settings.files);
    serve(window.webContents, page);
    window.webContents.ipc.on(themeChannel, ({ senderFrame }, message) => {
      const parsed = theme.safeParse(message);
      if (!isTrustedSender(page, senderFrame) || !parsed.success) return;
      state.update({ theme: parsed.data });
      nativeTheme.themeSource = system(parsed.data);
      showMenu();
    });
    window.on('focus', () => {
      windows = [opened, ...windows.filter((other) => other !== opened)];
    });
    window.on('close', (event) => {
      // The question is asked while there is still a window to come back to.
      if (settings.platform === 'darwin' || windows.length > 1 || stage === 'ended') return;
      event.preventDefault();
      app.quit();
    });
    window.on('closed', () => {
      windows = windows.filter((other) => other !== opened);
    });
    const loaded = window.loadURL(page).catch((thrown: unknown) => {
      settings.onFailure(thrown);
      // Better an empty window than none.
      if (!window.isDestroyed()) window.show();
    });
    const opened = { window, loaded };
    windows = [opened, ...windows];
    return opened;
  };
  const perform = (asked: DesktopCommand) => {
    const { window, loaded } = windows[0] ?? openWindow();
    void loaded.then(() => {
      if (!window.isDestroyed()) window.webContents.send(commandChannel, asked);
    });
  };
  const showMenu = () => {
    parts.setMenu(menuTemplate(settings.platform, state.read().theme, { perform, openWindow }));
  };
  /** Brings a window to the front, and to the lab that the words link to. */
  const come = (words: readonly string[]) => {
    const [front] = windows;
    if (front === undefined) openWindow();
    else raise(front.window);
    const lab = linkedLab(words);
    if (lab !== null) perform({ type: 'open-lab', lab });
  };

  const mayEnd = async (): Promise<boolean> => {
    try {
      return await mayQuit(screens, parts.dialog);
    } catch (thrown) {
      settings.onFailure(thrown);
      const { message, hint } = toFlatlandError(thrown);
      const { response } = await parts.dialog.showMessageBox({
        type: 'error',
        message,
        detail: hint,
        buttons: ['Back to the Labs', 'Quit Nevertheless'],
        defaultId: 0,
        cancelId: 0,
      });
      return response === 1;
    }
  };
  const end = async () => {
    if (stage === 'ending' || stage === 'ended') return;
    stage = 'ending';
    await screens.close().catch(settings.onFailure);
    await screens.router.close().catch(settings.onFailure);
    stage = 'ended';
    app.quit();
  };
  const quit = async () => {
    stage = 'asking';
    if (await mayEnd()) await end();
    else if (stage === 'asking') stage = 'open';
  };
  app.on('before-quit', (event) => {
    if (stage === 'ended') return;
    event.preventDefault();
    if (settings.ended.aborted) void end();
    else if (stage === 'open') void quit();
  });
  settings.ended.addEventListener('abort', () => void end());
  app.on('window-all-closed', () => {
    if (settings.platform !== 'darwin') app.quit();
  });
  app.on('second-instance', (_event, words) => come(words));
  let linkBeforeReady: readonly string[] = settings.words;
  let ready = false;
  app.on('open-url', (event, url) => {
    event.preventDefault();
    if (ready) come([url]);
    else linkBeforeReady = [url];
  });

  await app.whenReady();
  ready = true;
  session.defaultSession.setPermissionRequestHandler((_contents, permission, answer) =>
    answer(isPermitted(permission)),
  );
  session.defaultSession.setPermissionCheckHandler((_contents, permission) => isPermitted(permission));
  session.defaultSession.setDevicePermissionHandler(() => false);
  serveScreens(parts.protocol, settings.screens);
  nativeTheme.on('updated', () => {
    for (const { window } of windows) window.setBackgroundColor(groundOf(nativeTheme.shouldUseDarkColors));
  });
  showMenu();
  app.on('activate', () => {
    if (windows.length === 0) openWindow();
  });
  come(linkBeforeReady);
}
