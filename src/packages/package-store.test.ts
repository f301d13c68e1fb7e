import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { buildDeploymentSpec } from './build-package.ts';
import { parsePackage } from './chaincode-package.ts';
import { PackageStore } from './package-store.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-store-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const packed = (name: string, version: string, code = 'code') =>
  parsePackage(buildDeploymentSpec({ name, version, path: 'p', type: 'NODE', codePackage: utf8(code) }));

describe('the package store', () => {
  it('keeps a package byte for byte under its name and version', async () => {
    const store = new PackageStore({ directory: join(directory, 'chaincodes') });
    const installed = packed('basic', '1.0');
    await store.install(installed);
    expect(new Uint8Array(await readFile(join(directory, 'chaincodes', 'basic.1.0')))).toEqual(installed.bytes);
    expect((await store.load('basic', '1.0')).id).toEqual(installed.id);
    expect(await readdir(join(directory, 'chaincodes'))).toEqual(['basic.1.0']);
  });

  it('refuses a name and version that are taken, however many ask at once', async () => {
    const store = new PackageStore({ directory });
    const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((code) => store.install(packed('basic', '1.0', code))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(store.install(packed('basic', '1.0'))).rejects.toThrow(
      `error installing chaincode code basic:1.0(chaincode ${join(directory, 'basic.1.0')} exists)`,
    );
    expect(await readdir(directory)).toEqual(['basic.1.0']);
  });

  it('refuses names that are none, and writes nothing', async () => {
    const store = new PackageStore({ directory, texts: '1.1' });
    await expect(store.install(packed('bad name!', '1.0'))).rejects.toThrow("invalid chaincode name 'bad name!'. Names can only");
    await expect(store.install(packed('ok', '../1'))).rejects.toThrow('invalid chaincode version');
    expect(await readdir(directory)).toEqual([]);
  });

  it('lists by the first dot and skips what is no package', async () => {
    const store = new PackageStore({ directory });
    for (const [name, version] of [
      ['b', '2.0.1'],
      ['a', '1'],
      ['b', '10'],
    ] as const)
      await store.install(packed(name, version));
    await writeFile(join(directory, 'broken.1.0'), 'not a package');
    await writeFile(join(directory, '.DS_Store'), '');
    await writeFile(join(directory, 'noversion'), '');
    const listed = (await new PackageStore({ directory }).list()).map(({ name, version }) => `${name} ${version}`);
    expect(listed).toEqual(['a 1', 'b 10', 'b 2.0.1']);
  });

  it('lists nothing before the first install', async () => {
    expect(await new PackageStore({ directory: join(directory, 'absent') }).list()).toEqual([]);
  });

  it('tells a missing package from a damaged one', async () => {
    const store = new PackageStore({ directory });
    expect(await store.find('basic', '1.0')).toBeUndefined();
    await expect(store.load('basic', '1.0')).rejects.toMatchObject({ code: 'CHAINCODE_NOT_FOUND' });
    await writeFile(join(directory, 'basic.1.0'), packed('other', '1.0').bytes);
    await expect(store.find('basic', '1.0')).rejects.toThrow('chaincode package basic.1.0 holds other:1.0');
  });

  it('never leaves its folder', async () => {
    const store = new PackageStore({ directory });
    await expect(store.load('../x', '1')).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
    await expect(store.load('x', '1/../../y')).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID' });
  });
});
