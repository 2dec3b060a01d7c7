import type { MenuItemConstructorOptions, MessageBoxOptions } from 'electron';

/**
 * As much of Electron as this door uses, and no more. `index.ts` hands the real parts to `openDoor`, which type-checks only
 * while Electron has all of this; tests hand over a stand-in of the same types.
 */
export interface ElectronParts {
  readonly app: AppPart;
  readonly BrowserWindow: new (options: WindowOptions) => WindowPart;
  readonly dialog: DialogPart;
  readonly nativeTheme: ThemePart;
  readonly protocol: ProtocolPart;
  readonly screen: { getAllDisplays(): { readonly workArea: Rectangle }[] };
  readonly session: { readonly defaultSession: SessionPart };
  readonly shell: { openExternal(url: string): Promise<void> };
  /** Makes this the menu of the app. */
  setMenu(template: MenuItemConstructorOptions[]): void;
}

interface Preventable {
  preventDefault(): void;
}

/** In pixels that do not depend on the display's scale. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface AppPart {
  readonly isPackaged: boolean;
  requestSingleInstanceLock(): boolean;
  setAsDefaultProtocolClient(scheme: string): boolean;
  enableSandbox(): void;
  whenReady(): Promise<void>;
  quit(): void;
  on(event: 'second-instance', listener: (event: Preventable, words: string[]) => void): unknown;
  on(event: 'open-url', listener: (event: Preventable, url: string) => void): unknown;
  on(event: 'before-quit', listener: (event: Preventable) => void): unknown;
  on(event: 'window-all-closed' | 'activate', listener: () => void): unknown;
}

export interface ProtocolPart {
  registerSchemesAsPrivileged(
    schemes: {
      scheme: string;
      privileges: { standard: boolean; secure: boolean; supportFetchAPI: boolean };
    }[],
  ): void;
  handle(scheme: string, handler: (request: Request) => Promise<Response>): void;
}

export interface SessionPart {
  setPermissionRequestHandler(
    handler: (contents: unknown, permission: string, callback: (granted: boolean) => void) => void,
  ): void;
  setPermissionCheckHandler(handler: (contents: unknown, permission: string) => boolean): void;
  setDevicePermissionHandler(handler: () => boolean): void;
}

export interface ThemePart {
  themeSource: 'system' | 'light' | 'dark';
  readonly shouldUseDarkColors: boolean;
  on(event: 'updated', listener: () => void): unknown;
}

export interface DialogPart {
  showMessageBox(options: MessageBoxOptions): Promise<{ readonly response: number }>;
}

/** A frame that sent a message; `parent` is null for the page of a window itself. */
export interface Frame {
  readonly url: string;
  readonly parent: unknown;
}

export interface ContentsPart {
  readonly ipc: {
    on(
      channel: string,
      listener: (event: { readonly senderFrame: Frame | null }, message: unknown) => void,
    ): unknown;
  };
  send(channel: string, message: unknown): void;
  isDestroyed(): boolean;
  reload(): void;
  setWindowOpenHandler(handler: (details: { readonly url: string }) => { action: 'deny' }): void;
  on(
    event: 'will-navigate' | 'will-frame-navigate' | 'will-redirect',
    listener: (event: Preventable & { readonly url: string }) => void,
  ): unknown;
  on(event: 'will-attach-webview', listener: (event: Preventable) => void): unknown;
  on(
    event: 'did-start-navigation',
    listener: (details: { readonly isMainFrame: boolean; readonly isSameDocument: boolean }) => void,
  ): unknown;
  on(
    event: 'render-process-gone',
    listener: (event: unknown, details: { readonly reason: string }) => void,
  ): unknown;
  on(event: 'destroyed', listener: () => void): unknown;
}

export interface WindowOptions extends Partial<Rectangle> {
  readonly minWidth: number;
  readonly minHeight: number;
  readonly title: string;
  readonly show: boolean;
  readonly backgroundColor: string;
  readonly icon?: string;
  readonly webPreferences: {
    readonly preload: string;
    readonly contextIsolation: true;
    readonly sandbox: true;
    readonly nodeIntegration: false;
    readonly webSecurity: true;
    readonly webviewTag: false;
    readonly spellcheck: false;
  };
}

export interface WindowPart {
  readonly webContents: ContentsPart;
  loadURL(url: string): Promise<void>;
  show(): void;
  focus(): void;
  restore(): void;
  maximize(): void;
  destroy(): void;
  isMinimized(): boolean;
  isMaximized(): boolean;
  isFocused(): boolean;
  isDestroyed(): boolean;
  getNormalBounds(): Rectangle;
  setBackgroundColor(colour: string): void;
  once(event: 'ready-to-show', listener: () => void): unknown;
  on(event: 'close', listener: (event: Preventable) => void): unknown;
  on(event: 'closed' | 'focus', listener: () => void): unknown;
}
