import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { target: 'es2022' },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/vectors/unpack.ts'],
    pool: 'threads',
    isolate: false,
    maxWorkers: Math.max(2, Math.min(4, availableParallelism())), // most tests wait for processes of others
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
