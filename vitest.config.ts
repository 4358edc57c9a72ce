import { defineConfig } from 'vitest/config';

const source = {
  resolve: { conditions: ['@celeriac/source', 'node', 'import', 'default'] },
  ssr: { resolve: { conditions: ['@celeriac/source', 'node', 'import', 'default'] } },
};
const project = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  ...source,
  test: { name, include, exclude: ['**/node_modules/**', '**/dist/**'], ...extra },
});

export default defineConfig({
  test: {
    globalSetup: ['test/run-services.ts'],
    projects: [
      project('unit', ['packages/*/test/**/*.test.ts', 'test/architecture/**/*.test.ts'], { testTimeout: 20_000 }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 120_000 }),
      project('integration', ['test/integration/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 120_000 }),
      project('interop', ['test/interop/**/*.test.ts'], { testTimeout: 120_000, hookTimeout: 180_000 }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 180_000, hookTimeout: 180_000 }),
      project('faults', ['test/faults/**/*.test.ts'], { testTimeout: 300_000, hookTimeout: 180_000 }),
    ],
  },
});
