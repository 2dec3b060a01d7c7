import { defineConfig } from 'vitest/config';

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
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
