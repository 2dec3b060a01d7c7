import { defineConfig } from 'vitest/config';

const faults = ['test/agent/faults.system.test.ts', 'test/agent/soak.system.test.ts'];

export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{contract,main,agent,renderer}/**/*.test.ts', 'test/desktop/**/*.test.ts'],
          exclude: ['**/*.system.test.ts'],
        },
      },
      {
        test: {
          name: 'system',
          include: ['{main,agent,test}/**/*.system.test.ts'],
          exclude: ['**/node_modules/**', ...faults],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Six minutes of broken networks: `npm run faults`.
        test: {
          name: 'faults',
          include: faults,
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
