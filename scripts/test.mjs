/** `npm test`: build, run every test, then say what was skipped and why. The last line is `N passed, N failed, N skipped`. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkImports } from './check-imports.mjs';
import { ensure, root } from './ensure.mjs';

await ensure();
const forbidden = checkImports();
for (const problem of forbidden) console.error(`forbidden import: ${problem}`);
if (forbidden.length > 0) process.exit(1);
const scratch = mkdtempSync(join(tmpdir(), 'selvage-test-'));
const report = join(scratch, 'report.json');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
process.exitCode = summarise() ? (status ?? 1) : 1;
rmSync(scratch, { recursive: true, force: true });

/** Prints the skipped tests and the totals; false when a file failed without any test of its own failing. */
function summarise() {
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const skipped = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status: each }) => each === 'pending' || each === 'skipped' || each === 'todo'),
  );
  const byGroup = new Map();
  for (const { ancestorTitles, title } of skipped) {
    const group = ancestorTitles[0] ?? title;
    byGroup.set(group, (byGroup.get(group) ?? 0) + 1);
  }
  console.log(recordedNetworks());
  for (const [group, count] of byGroup) console.log(`skipped ${count}: ${group}`);
  const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((each) => each.status !== 'failed'));
  for (const file of broken) console.log(`failed to run: ${file.name}: ${file.message.split('\n')[0]}`);
  console.log(`${numPassedTests} passed, ${numFailedTests + broken.length} failed, ${skipped.length} skipped`);
  return broken.length === 0;
}

/** Which recorded networks judged, as most tests that are skipped are those that have none, or not the set that they know. */
function recordedNetworks() {
  const named = process.env['SELVAGE_FIXTURES'];
  if (named === undefined) return 'recorded networks: those of test/vectors';
  const manifest = resolve(root, named, 'manifest.json');
  if (!existsSync(manifest)) return `recorded networks: none, as SELVAGE_FIXTURES is ${named} and there is no ${manifest}`;
  const { set } = JSON.parse(readFileSync(manifest, 'utf8'));
  return `recorded networks: those of ${named}${set === 'dev' ? '' : ', so that tests beside the code are skipped which know those of test/vectors'}`;
}
