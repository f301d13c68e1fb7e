import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RunningCommand } from './command.ts';
import { chaincodeFolder, privateCache } from './faulty-chaincode.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-modes-'));
  await privateCache(folder, 'chaincode');
  await chaincodeFolder(folder, 'cc');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Everything below a folder that others may read, write or enter, with its mode. */
async function openToOthers(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode } = await lstat(path);
    if (!entry.isSymbolicLink() && (mode & 0o077) !== 0) found.push(`${relative(root, path)} ${(mode & 0o777).toString(8)}`);
  }
  return found;
}

const sections = async (root: string): Promise<string[]> =>
  (await readdir(root, { recursive: true })).map((path) => path.split('/').at(-1) ?? '');

/** A development network is a peer, an orderer and the material of their organisations, made by the parts that `node start` uses. */
describe.skipIf(process.platform !== 'linux')('what a network keeps', () => {
  it.each(['000', '022'])('is for its owner only, under umask %s', async (umask) => {
    const data = join(folder, 'data');
    const args = ['dev', join(folder, 'cc'), '--name', 'cc', '--data', data, '--port-base', '0', '--json'];
    const masked = `--import=data:text/javascript,process.umask(0o${umask})`;
    await using dev = new RunningCommand(args, { SELVAGE_CACHE: folder, NODE_OPTIONS: masked });
    await dev.line((line) => line.startsWith('{"fact":"ready"'));
    expect(await openToOthers(data)).toEqual([]);
    const names = await sections(data);
    for (const kept of ['blockfile_000000', 'data.mdb', 'lock.mdb', 'private', 'lifecycle', 'chaincode-logs', 'priv_sk', 'selvage.log'])
      expect(names).toContain(kept);
    expect(await dev.interrupt()).toBe(0);
    expect(await openToOthers(data)).toEqual([]);
  });
});
