import { EventEmitter } from 'node:events';
import type { MenuItemConstructorOptions, MessageBoxOptions } from 'electron';
import type {
  ContentsPart,
  ElectronParts,
  Frame,
  Rectangle,
  WindowOptions,
  WindowPart,
} from '../../main/door/electron/parts.ts';

/** An event that its listeners can prevent. */
const preventable = <T extends object>(details: T) => {
  const event = { ...details, prevented: false, preventDefault: () => {} };
  event.preventDefault = () => {
    event.prevented = true;
  };
  return event;
};

/** The page's end of a window: what its preload script has of Electron. */
export interface PageEnd {
  readonly ipcRenderer: EventEmitter & { send(channel: string, message: unknown): void };
  /** The frame that messages come from; a test may lie about it. */
  frame: Frame | null;
}

export interface StandInContents extends ContentsPart, EventEmitter {
  readonly page: PageEnd;
  readonly reloads: number;
  /** What window.open() comes to. */
  open(url: string): { action: 'deny' };
  /** Asks for a navigation as a click on a link does; resolves to whether it was prevented. */
  navigate(event: 'will-navigate' | 'will-frame-navigate' | 'will-redirect', url: string): boolean;
  attachWebview(): boolean;
}

export interface StandInWindow extends WindowPart, EventEmitter {
  readonly options: WindowOptions;
  readonly webContents: StandInContents;
  readonly url: string | null;
  readonly shown: boolean;
  readonly backgroundColor: string;
  /** What a click on the window's own close button does. */
  close(): void;
  move(bounds: Rectangle, maximised: boolean): void;
}

/**
 * As much of Electron as the door uses, behaving as Electron's documentation says: messages are cloned and arrive later, `close`
 * and `before-quit` can be prevented, a quit closes all windows, a page is fetched through the protocol that the door serves.
 */
export function createElectron(
  chosen: {
    readonly first?: boolean;
    readonly packaged?: boolean;
    readonly dark?: boolean;
    /** Runs while a page is loaded, as a preload script does. */
    readonly preload?: (window: StandInWindow) => Promise<void>;
  } = {},
) {
  const windows: StandInWindow[] = [];
  const asked: MessageBoxOptions[] = [];
  const answers: ((options: MessageBoxOptions) => number)[] = [];
  const opened: string[] = [];
  const schemes: string[] = [];
  const defaultProtocols: string[] = [];
  let menu: MenuItemConstructorOptions[] = [];
  let serve: ((request: Request) => Promise<Response>) | null = null;
  let permissionRequest: Parameters<
    ElectronParts['session']['defaultSession']['setPermissionRequestHandler']
  >[0] = (_contents, _permission, callback) => callback(true);
  let permissionCheck: (contents: unknown, permission: string) => boolean = () => true;
  let device = (): boolean => true;
  let ready = false;
  let ended = false;
  let sandboxed = false;

  const whenOver = () => {
    if (windows.length === 0 && ended === false) app.emit('window-all-closed');
  };

  const app = Object.assign(new EventEmitter(), {
    isPackaged: chosen.packaged ?? false,
    requestSingleInstanceLock: () => chosen.first ?? true,
    setAsDefaultProtocolClient: (scheme: string) => defaultProtocols.push(scheme) > 0,
    enableSandbox: () => {
      if (ready) throw new Error('app.enableSandbox() can only be called before app is ready');
      sandboxed = true;
    },
    whenReady: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      ready = true;
    },
    quit: () => {
      if (!(chosen.first ?? true)) {
        ended = true;
        return;
      }
      const event = preventable({});
      app.emit('before-quit', event);
      if (event.prevented) return;
      for (const window of [...windows]) window.close();
      if (windows.length === 0) ended = true;
    },
  });

  class Contents extends EventEmitter implements StandInContents {
    readonly ipc = new EventEmitter();
    readonly page: PageEnd;
    readonly isDestroyed: () => boolean;
    reloads = 0;
    #openHandler: (details: { readonly url: string }) => { action: 'deny' } = () => {
      throw new Error('window.open() would open a window');
    };

    constructor(isDestroyed: () => boolean) {
      super();
      this.isDestroyed = isDestroyed;
      const ipcRenderer = Object.assign(new EventEmitter(), {
        send: (channel: string, message: unknown) => {
          const clone: unknown = structuredClone(message);
          setImmediate(() => {
            if (!isDestroyed()) this.ipc.emit(channel, { senderFrame: this.page.frame }, clone);
          });
        },
      });
      this.page = { ipcRenderer, frame: null };
    }
    send(channel: string, message: unknown) {
      if (this.isDestroyed()) throw new TypeError('Object has been destroyed');
      const clone: unknown = structuredClone(message);
      setImmediate(() => this.page.ipcRenderer.emit(channel, {}, clone));
    }
    reload() {
      this.reloads += 1;
      this.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
    }
    setWindowOpenHandler(handler: (details: { readonly url: string }) => { action: 'deny' }) {
      this.#openHandler = handler;
    }
    open(url: string) {
      return this.#openHandler({ url });
    }
    navigate(name: string, url: string) {
      const event = preventable({ url });
      this.emit(name, event);
      return event.prevented;
    }
    attachWebview() {
      const event = preventable({});
      this.emit('will-attach-webview', event);
      return event.prevented;
    }
  }

  class BrowserWindow extends EventEmitter implements StandInWindow {
    readonly options: WindowOptions;
    readonly webContents: StandInContents;
    url: string | null = null;
    shown = false;
    backgroundColor: string;
    #bounds: Rectangle;
    #maximised = false;
    #minimised = false;
    #destroyed = false;

    constructor(options: WindowOptions) {
      super();
      if (!ready) throw new Error('Cannot create BrowserWindow before app is ready');
      this.options = options;
      this.backgroundColor = options.backgroundColor;
      this.#bounds = { x: 0, y: 0, width: 800, height: 600, ...options };
      this.webContents = new Contents(() => this.#destroyed);
      windows.push(this);
    }
    async loadURL(url: string): Promise<void> {
      this.webContents.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false });
      const response = url.startsWith('app:') ? await fetchPage(url) : new Response('');
      if (!response.ok) throw new Error(`ERR_FAILED (-2) loading '${url}'`);
      this.webContents.page.frame = { url, parent: null };
      await chosen.preload?.(this);
      this.url = url;
      this.emit('ready-to-show');
    }
    show() {
      this.shown = true;
    }
    focus() {
      this.emit('focus');
    }
    restore() {
      this.#minimised = false;
    }
    minimise() {
      this.#minimised = true;
    }
    maximize() {
      this.#maximised = true;
    }
    move(bounds: Rectangle, maximised: boolean) {
      this.#bounds = bounds;
      this.#maximised = maximised;
    }
    close() {
      const event = preventable({});
      this.emit('close', event);
      if (!event.prevented) this.destroy();
    }
    destroy() {
      if (this.#destroyed) return;
      this.#destroyed = true;
      windows.splice(windows.indexOf(this), 1);
      this.webContents.emit('destroyed');
      this.emit('closed');
      whenOver();
    }
    isMinimized() {
      return this.#minimised;
    }
    isMaximized() {
      return this.#maximised;
    }
    isFocused() {
      return false;
    }
    isDestroyed() {
      return this.#destroyed;
    }
    getNormalBounds() {
      return this.#bounds;
    }
    setBackgroundColor(colour: string) {
      this.backgroundColor = colour;
    }
  }

  class Theme extends EventEmitter {
    themeSource: 'system' | 'light' | 'dark' = 'system';
    get shouldUseDarkColors() {
      return this.themeSource === 'system' ? (chosen.dark ?? false) : this.themeSource === 'dark';
    }
  }

  const fetchPage = (url: string, method = 'GET'): Promise<Response> => {
    if (serve === null) throw new Error('the protocol is not served');
    return serve(new Request(url, { method }));
  };

  const parts = {
    app,
    BrowserWindow,
    dialog: {
      showMessageBox: async (options: MessageBoxOptions) => {
        asked.push(options);
        const answer = answers.shift();
        if (answer === undefined) throw new Error(`nobody answers: ${options.message}`);
        await new Promise((resolve) => setImmediate(resolve));
        return { response: answer(options) };
      },
    },
    nativeTheme: new Theme(),
    protocol: {
      registerSchemesAsPrivileged: (list: { scheme: string }[]) => {
        if (ready)
          throw new Error('protocol.registerSchemesAsPrivileged should be called before app is ready');
        schemes.push(...list.map(({ scheme }) => scheme));
      },
      handle: (_scheme: string, handler: (request: Request) => Promise<Response>) => {
        serve = handler;
      },
    },
    screen: { getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }] },
    session: {
      defaultSession: {
        setPermissionRequestHandler: (handler: typeof permissionRequest) => {
          permissionRequest = handler;
        },
        setPermissionCheckHandler: (handler: typeof permissionCheck) => {
          permissionCheck = handler;
        },
        setDevicePermissionHandler: (handler: typeof device) => {
          device = handler;
        },
      },
    },
    shell: {
      openExternal: async (url: string) => {
        opened.push(url);
      },
    },
    setMenu: (template: MenuItemConstructorOptions[]) => {
      menu = template;
    },
  } satisfies ElectronParts;

  return {
    parts,
    app,
    /** Windows that are open, oldest first. */
    windows,
    /** What dialogs asked so far. */
    asked,
    /** Has the next dialog answered with the button of that label. */
    answer: (label: string) =>
      answers.push((options) => {
        const index = options.buttons?.indexOf(label) ?? -1;
        if (index < 0) throw new Error(`no button ${label} in ${JSON.stringify(options.buttons)}`);
        return index;
      }),
    /** What was opened outside. */
    opened,
    schemes,
    defaultProtocols,
    fetchPage,
    request: (permission: string) =>
      new Promise<boolean>((resolve) => permissionRequest(null, permission, resolve)),
    check: (permission: string) => permissionCheck(null, permission),
    device: () => device(),
    isSandboxed: () => sandboxed,
    /** Whether the app has ended. */
    hasEnded: () => ended,
    /** Chooses an entry of the menu by its labels. */
    choose: (...labels: string[]) => {
      let entries = menu;
      for (const [index, label] of labels.entries()) {
        const found = entries.find((entry) => entry.label === label);
        if (found === undefined) throw new Error(`no ${label} in the menu`);
        if (index < labels.length - 1) entries = Array.isArray(found.submenu) ? found.submenu : [];
        else Reflect.apply(found.click ?? (() => {}), undefined, []);
      }
    },
    menu: () => menu,
  };
}

export type StandIn = ReturnType<typeof createElectron>;
