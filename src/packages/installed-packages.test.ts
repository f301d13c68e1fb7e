import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { deferred } from '../common/deferred.ts';
import { SelvageError } from '../common/errors.ts';
import { compress } from './archive/pack.ts';
import { writeTar } from './archive/tar-writer.ts';
import { InstalledPackages } from './installed-packages.ts';
import type { BuildSpec } from './launch-spec.ts';
import { buildLifecyclePackage, packageIdOf } from './lifecycle-package.ts';
import { LifecyclePackageStore } from './lifecycle-store.ts';

const CODE = await compress(await buffer(writeTar([{ name: 'src/index.js', content: utf8('code of it') }])));
const never = { signal: new AbortController().signal };
const failing = new SelvageError('CHAINCODE_BUILD_FAILED', 'npm install ended with code 1', { advice: 'Look at what npm says.' });

describe('installed packages', () => {
  let folder = '';
  let store: LifecyclePackageStore;
  let built: BuildSpec[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-installed-'));
    store = new LifecyclePackageStore({ directory: folder });
    built = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const packageOf = (label: string, type = 'Node') => buildLifecyclePackage({ label, type, path: 'some/path', codePackage: CODE });
  const open = (build: (spec: BuildSpec) => Promise<void> = async () => undefined) =>
    InstalledPackages.open({
      store,
      builder: {
        build: async (spec) => {
          built.push(spec);
          await build(spec);
        },
      },
    });

  it('are built before they are installed, and then found in every way', async () => {
    const packages = await open();
    const heard: string[] = [];
    packages.onInstalled(({ packageId }) => heard.push(packageId));
    const bytes = await packageOf('cc_1');
    const packageId = packageIdOf('cc_1', bytes);
    expect(await packages.install(bytes, never)).toEqual({ packageId, label: 'cc_1' });
    expect(built).toMatchObject([{ ccid: packageId, name: 'cc_1', platform: 'node', path: 'some/path', codePackage: CODE }]);
    expect(packages.list()).toEqual([{ packageId, label: 'cc_1' }]);
    expect(packages.get(packageId)?.label).toBe('cc_1');
    expect(new Uint8Array(await packages.bytes(packageId))).toEqual(new Uint8Array(bytes));
    expect((await packages.launchable(packageId)).platform).toBe('node');
    expect(heard).toEqual([packageId]);
  });

  it('are not installed twice', async () => {
    const packages = await open();
    const bytes = await packageOf('cc_1');
    await packages.install(bytes, never);
    await expect(packages.install(bytes, never)).rejects.toThrow(
      `chaincode already successfully installed (package ID '${packageIdOf('cc_1', bytes)}')`,
    );
    expect(built).toHaveLength(1);
  });

  it('are built once, however many install them at a time', async () => {
    const gate = deferred<void>();
    const packages = await open(() => gate.promise);
    const bytes = await packageOf('cc_1');
    const all = Promise.allSettled([1, 2, 3].map(() => packages.install(bytes, never)));
    gate.resolve();
    expect((await all).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']); // whoever is read first
    expect(built).toHaveLength(1);
  });

  it('that fail to build are gone, and can be installed when they build', async () => {
    let fails = true;
    const packages = await open(async () => {
      if (fails) throw failing;
    });
    const bytes = await packageOf('cc_1');
    await expect(packages.install(bytes, never)).rejects.toMatchObject({
      code: 'CHAINCODE_BUILD_FAILED',
      message: 'could not build chaincode: npm install ended with code 1\nLook at what npm says.',
    });
    expect(packages.list()).toEqual([]);
    expect(await store.list()).toEqual([]);
    fails = false;
    await packages.install(bytes, never);
    expect(await store.list()).toHaveLength(1);
  });

  it('are built to the end when their caller leaves', async () => {
    const caller = new AbortController();
    const signals: AbortSignal[] = [];
    const packages = await InstalledPackages.open({
      store,
      builder: {
        build: async (_, { signal }) => {
          caller.abort(new SelvageError('CANCELLED', 'the caller left'));
          signals.push(signal);
        },
      },
    });
    await packages.install(await packageOf('cc_1'), { signal: caller.signal });
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    expect(await store.list()).toHaveLength(1);
  });

  it('whose build goes on when the peer stops leave nothing', async () => {
    const begun = deferred<void>();
    const packages = await InstalledPackages.open({
      store,
      builder: {
        build: (_, { signal }) => {
          begun.resolve();
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        },
      },
    });
    const bytes = await packageOf('cc_1');
    const both = Promise.allSettled([packages.install(bytes, never), packages.install(bytes, never)]);
    await begun.promise;
    await packages[Symbol.asyncDispose]();
    for (const outcome of await both) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'the peer is stopping' } });
    expect(await store.list()).toEqual([]);
  });

  it('that do not parse are never stored', async () => {
    const packages = await open();
    await expect(packages.install(utf8('no package'), never)).rejects.toThrow('could not parse as a chaincode install package: ');
    expect(await store.list()).toEqual([]);
    expect(built).toEqual([]);
  });

  it('are there again after a restart, without being built', async () => {
    const bytes = await packageOf('cc_1');
    await (await open()).install(bytes, never);
    built = [];
    const again = await open();
    expect(again.list()).toEqual([{ packageId: packageIdOf('cc_1', bytes), label: 'cc_1' }]);
    expect(built).toEqual([]);
    await expect(again.install(bytes, never)).rejects.toThrow('chaincode already successfully installed');
  });

  it('whose build an earlier run did not finish can be installed again', async () => {
    const bytes = await packageOf('cc_1');
    await store.save({ packageId: packageIdOf('cc_1', bytes), bytes }); // as a killed peer leaves it
    let fails = true;
    const packages = await open(async () => {
      if (fails) throw failing;
    });
    await expect(packages.install(bytes, never)).rejects.toThrow('could not build chaincode: ');
    expect(packages.list()).toEqual([]);
    fails = false;
    expect((await packages.install(bytes, never)).label).toBe('cc_1');
  });
});
