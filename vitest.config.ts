import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const source = {
  resolve: { conditions: ['@celeriac/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@celeriac/source', 'node', 'import', 'default'] } },
};

/** Most tests wait for another process most of the time. */
const MANY = Math.max(3, availableParallelism());

/** Test files that scripts/test.mjs found it cannot run here, and has said so. */
const UNAVAILABLE = (process.env['CELERIAC_TEST_UNAVAILABLE'] ?? '').split(',').filter((file) => file !== '');

/** `group`: projects of one group run side by side, the groups one after another. */
const project = (name: string, include: string[], group: number, maxWorkers: number, extra: Record<string, unknown> = {}) => ({
  ...source,
  test: {
    name,
    include,
    exclude: ['**/node_modules/**', '**/dist/**', '**/fixtures/**', ...UNAVAILABLE],
    pool: 'forks' as const,
    maxWorkers,
    sequence: { groupOrder: group },
    ...extra,
  },
});

const suites = (folder: string): string[] => [`test/${folder}/**/*.test.ts`];

export default defineConfig({
  test: {
    globalSetup: ['test/run-services.ts'],
    // its entries say where an import led to, and stay when an install changes that
    fsModuleCache: false,
    projects: [
      project('unit', ['packages/*/test/**/*.test.ts', ...suites('architecture')], 0, MANY, { testTimeout: 180_000, hookTimeout: 180_000 }),
      project('conformance', suites('conformance'), 1, MANY, { testTimeout: 60_000, hookTimeout: 120_000 }),
      project('integration', suites('integration'), 1, MANY, { testTimeout: 120_000, hookTimeout: 240_000 }),
      project('interop', suites('interop'), 1, MANY, { testTimeout: 120_000, hookTimeout: 180_000 }),
      project('chart', suites('chart'), 1, MANY, { testTimeout: 300_000, hookTimeout: 180_000 }),
      // these watch the clock or load the machine: fewer at a time
      project('e2e', suites('e2e'), 2, 2, { testTimeout: 300_000, hookTimeout: 300_000 }),
      project('monitoring', suites('monitoring'), 2, 2, { testTimeout: 180_000, hookTimeout: 420_000 }),
      // each with many processes of its own: a namespace of the shared control plane, or a control plane
      project('cluster', suites('cluster'), 3, 2, { testTimeout: 400_000, hookTimeout: 300_000 }),
      project('faults', suites('faults'), 4, 1, { testTimeout: 300_000, hookTimeout: 180_000 }),
      // one cluster on the machine, with its bridge and its iptables
      project('one-node', suites('one-node'), 5, 1, { testTimeout: 420_000, hookTimeout: 900_000 }),
    ],
  },
});
