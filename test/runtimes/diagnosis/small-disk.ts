/** A disk of few megabytes, in memory, for tests that fill it. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
}

export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'selvage-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'selvage-test', path]).catch(async (thrown: unknown) => {
    await rm(path, { recursive: true });
    throw thrown;
  });
  const close = async (): Promise<void> => {
    await run('umount', ['--lazy', path]);
    await rm(path, { recursive: true, force: true });
  };
  return { path, [Symbol.asyncDispose]: close };
}

/** Why there are no small disks here; undefined where there are. */
export const noSmallDisk: string | undefined = await smallDisk(1).then(
  async (disk) => void (await disk[Symbol.asyncDispose]()),
  () => 'this user cannot mount a file system',
);
