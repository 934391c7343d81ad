import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As tsconfig.json's paths: examples name the package, tests run them from source.
  resolve: {
    alias: [
      { find: /^nightjar-shop$/, replacement: fileURLToPath(new URL('package/index.ts', import.meta.url)) },
      {
        find: /^nightjar-shop\/engine$/,
        replacement: fileURLToPath(new URL('package/engine.ts', import.meta.url)),
      },
    ],
  },
  test: {
    // What takes minutes is called *.slow.ts and runs with `npm run test:all` alone.
    include: ['test/**/*.test.ts', ...(process.env.NIGHTJAR_SLOW_TESTS === '1' ? ['test/**/*.slow.ts'] : [])],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
