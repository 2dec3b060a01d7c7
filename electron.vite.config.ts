import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import { z } from 'zod';
import { vitePackages } from './resources/build/packages.mjs';

const root = import.meta.dirname;
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

/** The three parts of the desktop app. Everything is bundled, so that a package of it needs no node_modules. */
export default defineConfig({
  main: {
    define: { FLATLAND_VERSION: JSON.stringify(version) },
    plugins: [vitePackages],
    build: {
      externalizeDeps: false,
      outDir: join(root, 'out', 'desktop'),
      emptyOutDir: false,
      sourcemap: true,
      rolldownOptions: {
        input: { main: join(root, 'main', 'door', 'electron', 'index.ts') },
        output: { entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      outDir: join(root, 'out', 'desktop'),
      emptyOutDir: false,
      rolldownOptions: {
        input: { preload: join(root, 'main', 'door', 'electron', 'preload.ts') },
        // A sandboxed preload script is CommonJS.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: join(root, 'renderer'),
    plugins: [react()],
    server: { host: '127.0.0.1', fs: { allow: [root] } },
    build: {
      target: 'es2022',
      outDir: join(root, 'out', 'renderer'),
      // A page that is open may load a part of the build before.
      emptyOutDir: false,
      minify: true,
      // Everything comes from this machine.
      chunkSizeWarningLimit: 4000,
      rolldownOptions: { input: join(root, 'renderer', 'index.html') },
    },
  },
});
