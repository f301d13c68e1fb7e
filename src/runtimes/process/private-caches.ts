import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makePassingFolder } from '../../common/durable-files.ts';
import { messageOf } from '../../common/errors.ts';
import { ownerMark } from '../../common/process-owner.ts';
import type { HostCommand } from '../../packages/platforms/platform.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import type { HostEnvironment } from './environment.ts';

/** Mounts each, then becomes the command. */
const MOUNT = `while [ "$1" != -- ]; do mount -t overlay overlay -o "$2" "$1" || exit 125; shift 2; done; shift; exec "$@"`;

/** A build, as far as its caches are concerned. */
export interface CachedBuild {
  /** Folders that others trust. */
  readonly caches: readonly string[];
  /** Of the build alone; what it writes to the caches lies in it. */
  readonly folder: string;
}

/** How overlays can be had here. */
export interface Overlays {
  /** The program that makes namespaces. */
  readonly unshare: string;
  /** Of each mount, with a comma behind. */
  readonly options: string;
}

/** Finds out by trying, in a folder where builds would write. @returns why they cannot be had, if so */
export async function findOverlays(directory: string, host: HostEnvironment): Promise<Overlays | { readonly missing: string }> {
  const unshare = await findTool('unshare', host, ['/usr/bin', '/bin']);
  if (unshare === undefined) return { missing: 'there is no unshare' };
  let missing = 'overlays do not work here';
  for (const options of ['userxattr,', '']) {
    const failure = await tried(directory, { unshare, options });
    if (failure === undefined) return { unshare, options };
    missing = failure;
  }
  return { missing };
}

/** Whether a folder of a cache can be written to and renamed, as tools do. @returns why not */
async function tried(directory: string, overlays: Overlays): Promise<string | undefined> {
  try {
    await makePassingFolder(directory);
    const probe = await mkdtemp(join(directory, `${ownerMark()}-`));
    const build = { caches: [join(probe, 'cache')], folder: probe };
    try {
      await mkdir(join(probe, 'cache', 'old'), { recursive: true });
      const script = 'cd "$0" && touch new && mv old moved && test -d moved';
      const { file, args } = await overlaid({ file: '/bin/sh', args: ['-c', script, join(probe, 'cache')], env: {} }, build, overlays);
      await promisify(execFile)(file, args, { timeout: 10_000, cwd: '/' });
    } finally {
      await forgetWrites(probe);
      await rm(probe, { recursive: true, force: true });
    }
  } catch (thrown) {
    const said = typeof thrown === 'object' && thrown !== null && 'stderr' in thrown ? String(thrown.stderr).trim() : '';
    return said.split('\n')[0] || messageOf(thrown);
  }
  return undefined;
}

/** The command with these folders as they are, but that nothing it writes to them gets there. */
export async function overlaid(command: HostCommand, build: CachedBuild, { unshare, options }: Overlays): Promise<HostCommand> {
  const mounts: string[] = [];
  for (const [at, path] of build.caches.entries()) {
    const [upper, work] = ['upper', 'work'].map((name) => join(placeOf(build, at), name));
    for (const each of [upper, work]) await makePassingFolder(each ?? '');
    mounts.push(path, `${options}lowerdir=${escaped(path)},upperdir=${escaped(upper ?? '')},workdir=${escaped(work ?? '')}`);
  }
  const args = ['--user', '--map-root-user', '--mount', '/bin/sh', '-c', MOUNT, 'sh', ...mounts, '--', command.file, ...command.args];
  return { ...command, file: unshare, args };
}

/** For `bwrap`: an empty folder in the place of each cache. */
export async function emptyCaches(build: CachedBuild): Promise<readonly string[]> {
  const binds: string[] = [];
  for (const [at, path] of build.caches.entries()) {
    await makePassingFolder(placeOf(build, at));
    binds.push('--bind', placeOf(build, at), path);
  }
  return binds;
}

/** Lets what overlays left in the folder of a build be removed: their work folders may be entered by nobody. */
export async function forgetWrites(folder: string): Promise<void> {
  const places = join(folder, WRITES);
  for (const name of await readdir(places).catch(() => [])) await chmod(join(places, name, 'work', 'work'), 0o700).catch(() => undefined);
}

const WRITES = 'cache-writes';

const placeOf = ({ folder }: CachedBuild, at: number): string => join(folder, WRITES, String(at));

/** Options of a mount are separated by commas, and folders of an overlay by colons. */
const escaped = (path: string): string => path.replaceAll(/[\\,:]/g, (character) => `\\${character}`);
