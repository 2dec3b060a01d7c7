import type { ElectronParts, WindowPart } from './parts.ts';
import { outsideLink } from './policy.ts';
import { placeWindow, smallestWindow, type WindowStateFile } from './window-state.ts';

/** Grounds of the screens (`renderer/ui/theme.css`), so that a window is never white before it is drawn. */
const ground = { light: '#f3f5f8', dark: '#0c0f14' };
export const groundOf = (dark: boolean): string => (dark ? ground.dark : ground.light);

/** Where a window's files lie: the built preload script and an icon, which macOS and Windows take from the package instead. */
export interface WindowFiles {
  readonly preload: string;
  readonly icon: string;
}

/** Leaves a page where it is. What it wants to open goes to the program that the user has for it, or nowhere. */
function keepInside(window: WindowPart, openOutside: (url: string) => void): void {
  const contents = window.webContents;
  const outside = (link: string) => {
    const url = outsideLink(link);
    if (url !== null) openOutside(url);
  };
  contents.setWindowOpenHandler(({ url }) => {
    outside(url);
    return { action: 'deny' };
  });
  contents.on('will-navigate', (event) => {
    event.preventDefault();
    outside(event.url);
  });
  contents.on('will-frame-navigate', (event) => event.preventDefault());
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

/** Offers to load a page again whose process ended; labs and tasks live in this one and go on. */
function mendCrash(window: WindowPart, { dialog }: ElectronParts): void {
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const ask = async () => {
      const { response } = await dialog.showMessageBox({
        type: 'error',
        message: 'This screen stopped working.',
        detail: `Its process ended (${reason}). Labs and tasks go on; the screen can be loaded again.`,
        buttons: ['Load it again', 'Close it'],
        defaultId: 0,
        cancelId: 0,
      });
      if (window.isDestroyed()) return;
      if (response === 0) window.webContents.reload();
      else window.destroy();
    };
    void ask();
  });
}

/** A window that shows nothing until its page is drawn; it has no page yet. */
export function createWindow(parts: ElectronParts, state: WindowStateFile, files: WindowFiles): WindowPart {
  const { bounds, maximised } = state.read();
  const areas = parts.screen.getAllDisplays().map(({ workArea }) => workArea);
  const window = new parts.BrowserWindow({
    ...placeWindow(bounds, areas),
    minWidth: smallestWindow.width,
    minHeight: smallestWindow.height,
    title: 'Flatland',
    show: false,
    backgroundColor: groundOf(parts.nativeTheme.shouldUseDarkColors),
    icon: files.icon,
    webPreferences: {
      preload: files.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  });
  keepInside(window, (url) => void parts.shell.openExternal(url).catch(() => {}));
  mendCrash(window, parts);
  window.once('ready-to-show', () => {
    if (maximised) window.maximize();
    window.show();
  });
  window.on('close', () => {
    state.update({ bounds: { ...window.getNormalBounds() }, maximised: window.isMaximized() });
  });
  return window;
}

/** Brings a window to the front. */
export function raise(window: WindowPart): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}
