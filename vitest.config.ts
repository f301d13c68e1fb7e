import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Longer than anything that goes on takes on a machine with ten times as much to do as it can. */
const FOR_EVER_MS = 300_000;

export default defineConfig({
  oxc: { target: 'es2022' },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/vectors/unpack.ts'],
    pool: 'threads',
    isolate: false,
    maxWorkers: Math.max(2, Math.min(4, availableParallelism())), // most tests wait for processes of others
    // A test that waits for ever fails in the end. No test is judged by these: the machine may be busy with anything else.
    testTimeout: FOR_EVER_MS,
    hookTimeout: FOR_EVER_MS,
    expect: { poll: { timeout: FOR_EVER_MS - 60_000, interval: 20 } },
  },
});
