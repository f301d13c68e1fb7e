/** `npm run lint`: formatter and linter, types of the tests, layer rules, dead code. Every check runs; any failure fails. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

await ensure();
const bin = (path) => join(root, 'node_modules', path);
const CHECKS = [
  ['format and lint', bin('@biomejs/biome/bin/biome'), ['check', '--diagnostic-level=warn', '.']],
  ['types of the tests', bin('typescript/bin/tsc'), ['-p', 'tsconfig.tests.json']],
  ['imports', join(root, 'scripts/check-imports.mjs'), []],
  ['dead code', bin('knip/bin/knip.js'), []],
];

let failed = 0;
for (const [name, program, args] of CHECKS) {
  const { status } = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(`lint: ${name} ${status === 0 ? 'ok' : 'FAILED'}`);
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
