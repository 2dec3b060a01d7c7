import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin } from 'vite';

export const vitePackages: Plugin;
export const esbuildPackages: EsbuildPlugin;
