/** Sample chaincodes with their dependencies, for tests that start chaincode themselves, as a developer does. */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixtures } from '../fixtures.ts';
import { repository } from '../journeys/network.ts';

const run = promisify(execFile);
const installs = new Map<string, Promise<string | undefined>>();

/** The folder of a sample from `chaincodes/`, installed once per content; undefined where npm cannot get its dependencies. */
export function installedSample(name: string): Promise<string | undefined> {
  const install = installs.get(name) ?? installOnce(name).catch(() => undefined);
  installs.set(name, install);
  return install;
}

/** Whether chaincode with the real shim can run here: it needs the recorded proposals, too. */
export const sampleOrSkip = async (name: string): Promise<string | undefined> =>
  fixtures === undefined ? undefined : await installedSample(name);

async function installOnce(name: string): Promise<string> {
  const sample = join(repository, 'chaincodes', name);
  const lock = await readFile(join(sample, 'package-lock.json'));
  const shared = join(tmpdir(), 'selvage-test-chaincode', 'installed', createHash('sha256').update(lock).digest('hex').slice(0, 16));
  if (!existsSync(shared)) await install(sample, shared);
  // The sources may be newer than what was installed: only dependencies are kept.
  for (const part of ['index.js', 'lib']) await cp(join(sample, part), join(shared, part), { recursive: true, force: true });
  return shared;
}

async function install(sample: string, target: string): Promise<void> {
  const unfinished = `${target}-${randomUUID()}`;
  try {
    await mkdir(unfinished, { recursive: true });
    for (const part of ['package.json', 'package-lock.json']) await cp(join(sample, part), join(unfinished, part));
    await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: unfinished, timeout: 120_000 });
    await rename(unfinished, target).catch((thrown: unknown) => {
      if (!existsSync(target)) throw thrown;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
