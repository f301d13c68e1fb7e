import { defineConfig } from 'vitest/config';

/** What takes too long for every change: `npm run test:long`. */
export default defineConfig({
  oxc: { target: 'es2022' },
  test: {
    include: ['test/long/**/*.long.ts', ...(process.env['SELVAGE_LONG_TESTS']?.split(' ') ?? [])],
    pool: 'threads',
    testTimeout: 3_600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
});
