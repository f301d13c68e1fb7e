/** Sample chaincodes, built as the peer builds them, for tests that start chaincode themselves, as a developer does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { silent } from '../../src/common/log.ts';
import type { Scope } from '../../src/common/scope.ts';
import { unpackArchive } from '../../src/packages/archive/unpack.ts';
import { allPlatforms, languageIn } from '../../src/packages/platforms/platforms.ts';
import { BuildCache } from '../../src/runtimes/process/build-cache.ts';
import { Builds } from '../../src/runtimes/process/builds.ts';
import { installEnvironment } from '../../src/runtimes/process/environment.ts';
import { Scratch } from '../../src/runtimes/process/scratch.ts';
import { chaincodeCache, never } from '../journeys/network.ts';
import { StartedProgram } from './started-program.ts';

export interface BuiltSample {
  /** Where its command runs. */
  readonly folder: string;
  readonly command: (peerAddress: string) => readonly [file: string, ...args: string[]];
  /** Type of its packages. */
  readonly language: 'node' | 'golang' | 'java';
  start(peerAddress: string, env: Readonly<Record<string, string>>): StartedProgram;
}

const scratch = new Scratch(join(chaincodeCache, 'unfinished'));
const builds = new Builds({
  cache: new BuildCache({ directory: chaincodeCache, scratch, bounds: {}, log: silent }),
  scratch,
  env: installEnvironment(process.env, process.execPath),
  maxConcurrent: 2,
  graceMs: 500,
  confine: async (command) => command,
});

/** What networks of tests have built already is not built again. The scope owns the folder. @param source the sample's folder */
export async function builtSample(source: string, scope: Scope): Promise<BuiltSample> {
  const name = basename(source);
  const language = await languageIn(source);
  const platform = allPlatforms({ host: process.env }).find((each) => each.name === language);
  if (platform === undefined) throw new Error(`there is no chaincode in ${source}`);
  const path = await mkdtemp(join(tmpdir(), 'selvage-built-'));
  scope.defer(() => rm(path, { recursive: true, force: true }));
  const codePackage = await platform.pack(source);
  await unpackArchive(codePackage, path);
  const plan = await platform.hostPlan(path, { path: await platform.packagePath(source), codePackage });
  scope.use(await builds.provide(path, plan, { ccid: name, platform: platform.name, codePackage, log: silent }, { signal: never }));
  const folder = join(path, plan.workingFolder);
  const command: BuiltSample['command'] = (peerAddress) => {
    const { file, args } = plan.start(peerAddress);
    if (platform.name !== 'node') return [file.startsWith('.') ? join(folder, file) : file, ...args];
    return [process.execPath, MAIN[name] ?? 'index.js', '--peer.address', peerAddress]; // without the shell that the peer has around it
  };
  const start: BuiltSample['start'] = (peerAddress, env) => {
    const [file, ...args] = command(peerAddress);
    return new StartedProgram(file, args, { cwd: folder, env });
  };
  return { folder, command, language: platform.name, start };
}

const MAIN: Readonly<Record<string, string>> = { 'kv-node': 'index.js', 'kv-ts': 'dist/index.js' };
