import { defineConfig } from 'vitest/config';

const faults = ['test/agent/faults.system.test.ts', 'test/agent/soak.system.test.ts'];
const inNamespaces = ['{agent,test/agent,test/fuzz}/**/*.system.test.ts'];
const patience = { testTimeout: 120_000, hookTimeout: 60_000 };

export default defineConfig({
  test: {
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{contract,main,agent,renderer}/**/*.test.ts', 'test/{desktop,fuzz}/**/*.test.ts'],
          exclude: ['**/*.system.test.ts'],
          // A process for each of the many short files would take as long as the tests themselves.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Each has namespaces of its own and waits most of the time, so two run side by side.
        test: {
          ...patience,
          name: 'overlay',
          include: inNamespaces,
          exclude: faults,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Whole labs, which compare what this machine has before and after.
        test: {
          ...patience,
          name: 'system',
          include: ['{main,test}/**/*.system.test.ts'],
          exclude: ['**/node_modules/**', ...inNamespaces],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // Six minutes of broken networks: `npm run faults`.
        test: {
          ...patience,
          name: 'faults',
          include: faults,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
