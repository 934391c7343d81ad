import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // What takes minutes is called *.slow.ts and runs with `npm run test:all` alone.
    include: ['test/**/*.test.ts', ...(process.env.NIGHTJAR_SLOW_TESTS === '1' ? ['test/**/*.slow.ts'] : [])],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
