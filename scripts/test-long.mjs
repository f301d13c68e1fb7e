/** `npm run test:long`: what takes too long for every change. Kills, every fault of the disk, and property tests with many more runs than in `npm test`. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

/** So many times the runs that a property has in `npm test`. */
const RUNS = process.env.SELVAGE_TEST_RUNS ?? '20';

await ensure();
const properties = ['src', 'test']
  .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`))
  .filter(
    (file) =>
      file.endsWith('.test.ts') &&
      (file.startsWith('test/faults/') || /from 'fast-check'|kvContract\(|stateContract\(/.test(readFileSync(join(root, file), 'utf8'))),
  );
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'vitest.long.config.ts', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SELVAGE_TEST_RUNS: RUNS, SELVAGE_LONG_TESTS: properties.join(' ') },
  },
);
process.exitCode = status ?? 1;
