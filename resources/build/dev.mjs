// Development with hot reload. `dev.mjs desktop` runs the app in Electron; `dev.mjs web [--synthetic HOSTS]` serves the screens to a
// browser, and builds and restarts what is behind them when it changes.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { resolveConfig } from 'electron-vite';
import { createServer } from 'vite';
import { obtainElectron, root, say } from './electron.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { synthetic: { type: 'string' }, port: { type: 'string', default: '5173' } },
});

/** Builds what runs under Node; resolves to whether that worked. */
const build = () =>
  new Promise((resolve) => {
    const script = join(root, 'resources', 'build', 'build.mjs');
    spawn(process.execPath, [script], { stdio: 'inherit' }).on('exit', (code) => resolve(code === 0));
  });

/** A port of this machine that nobody uses. */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createTcpServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Uses a link's token as a browser would; resolves to the cookie that it gives. */
async function sessionOf(link) {
  const response = await fetch(link, { redirect: 'manual' });
  return (response.headers.get('set-cookie') ?? '').split(';')[0];
}

/** The web door behind the development server: starts again on demand, always on the same port. */
async function openBackend() {
  const port = await freePort();
  const program =
    values.synthetic === undefined
      ? ['out/cli.js', 'ui', '--no-open', '--port', String(port)]
      : ['out/synthetic-ui.js', '--hosts', values.synthetic, '--port', String(port), '--others'];
  let child = null;
  let session = '';
  const start = () => {
    const started = spawn(process.execPath, program, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    child = started;
    createInterface({ input: started.stdout }).on('line', async (text) => {
      const link = /http:\S+/.exec(text)?.[0];
      if (link !== undefined) session = await sessionOf(link);
    });
  };
  const stop = () =>
    new Promise((resolve) => {
      if (child === null || child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', resolve);
      child.kill();
    });
  start();
  return {
    origin: `http://127.0.0.1:${port}`,
    session: () => session,
    restart: async () => {
      await stop();
      start();
    },
    stop,
  };
}

/** Lets in whoever has the link, as the web door does: others on this machine can reach the port as well. */
function letIn(secret) {
  const cookie = `flatland-dev=${secret}`;
  return {
    plugin: {
      name: 'flatland-let-in',
      configureServer: ({ middlewares }) => {
        middlewares.use((request, response, next) => {
          if (request.url !== `/?token=${secret}`) return next();
          response.writeHead(302, {
            location: '/',
            'set-cookie': `${cookie}; HttpOnly; SameSite=Strict; Path=/`,
          });
          response.end();
        });
      },
    },
    knows: ({ headers }) =>
      headers.origin === `http://${headers.host}` &&
      (headers.cookie ?? '').split(';').some((each) => each.trim() === cookie),
  };
}

async function developInBrowser() {
  if (!(await build())) return 1;
  const backend = await openBackend();
  const secret = randomBytes(16).toString('base64url');
  const guard = letIn(secret);
  const { config } = await resolveConfig({ root, logLevel: 'info' }, 'serve', 'development');
  const server = await createServer({
    ...config.renderer,
    configFile: false,
    plugins: [...config.renderer.plugins, guard.plugin],
    server: {
      ...config.renderer.server,
      port: Number(values.port),
      proxy: {
        // Not the sources in renderer/rpc/, whose paths begin with the same.
        '^/rpc$': {
          target: backend.origin,
          ws: true,
          changeOrigin: true,
          configure: (proxy) => {
            // Between two starts nobody answers; the page tries again by itself.
            proxy.on('error', () => {});
            proxy.on('proxyReqWs', (forwarded, request, socket) => {
              if (!guard.knows(request)) return socket.destroy();
              forwarded.setHeader('origin', backend.origin);
              forwarded.setHeader('cookie', backend.session());
            });
          },
        },
      },
    },
  });
  await server.listen();
  say(`http://127.0.0.1:${server.config.server.port}/?token=${secret}`);

  const sources = ['contract', 'main', 'agent', 'test/support'].map((folder) => join(root, folder));
  server.watcher.add(sources);
  let timer;
  server.watcher.on('all', (_event, path) => {
    if (!sources.some((folder) => path.startsWith(folder)) || /\.test\.tsx?$/.test(path)) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      say('building and starting again');
      if (await build()) await backend.restart();
    }, 200);
  });
  return new Promise((resolve) => {
    const end = async () => {
      await Promise.all([server.close(), backend.stop()]);
      resolve(0);
    };
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end());
  });
}

async function developInElectron() {
  const { program, reason } = await obtainElectron();
  if (program === null) {
    say(`${reason} The screens are served to a browser instead.`);
    return developInBrowser();
  }
  if (!(await build())) return 1;
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js'), 'dev', '--watch'],
    { cwd: root, stdio: 'inherit', env: { ...process.env, FLATLAND_NODE: process.execPath } },
  );
  process.on('SIGINT', () => {});
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)));
}

process.exit(await (positionals[0] === 'web' ? developInBrowser() : developInElectron()));
