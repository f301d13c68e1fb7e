import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { isPackage, readChaincodePackage } from './chaincode-package.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-package-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a package', () => {
  it('is a file, wherever the command was started', async () => {
    await writeFile(join(folder, 'x.tar.gz'), '');
    expect([isPackage('x.tar.gz', folder), isPackage('.', folder), isPackage('y.tar.gz', folder)]).toEqual([true, false, false]);
  });

  it.each([
    ['basic_1.0', 'basic'],
    ['asset_transfer-v2.5.1+x', 'asset_transfer'],
    ['kv', 'kv'],
    ['1.0', '1-0'],
    ['my.cc_1', 'my-cc'],
    ['ends_', 'ends'],
  ])('labelled %s has a chaincode called %s', async (label, name) => {
    const packageFile = join(folder, 'x.tar.gz');
    await writeFile(packageFile, await buildLifecyclePackage({ label, type: 'node', path: '', codePackage: new Uint8Array(0) }));
    expect(await readChaincodePackage('x.tar.gz', folder)).toEqual({ packageFile, label, name, tour: [] });
  });

  it('has to be one', async () => {
    await writeFile(join(folder, 'x.tar.gz'), 'text');
    await expect(readChaincodePackage('x.tar.gz', folder)).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
  });
});
