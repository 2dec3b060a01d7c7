import type { Plugin } from 'esbuild';

export const agentPlugins: Plugin[];
