import type { Plugin } from 'vite';

export const vitePackages: Plugin;
