import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixture } from '../../test/fixtures.ts';
import { hex, utf8 } from '../common/bytes.ts';
import { buildDeploymentSpec, buildSignedPackage } from '../packages/build-package.ts';
import { chaincodeDataOf, parsePackage } from '../packages/chaincode-package.ts';
import { PackageStore } from '../packages/package-store.ts';
import { LegacyDefinitions } from './legacy-definitions.ts';

let directory: string;
let packages: PackageStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-definitions-'));
  packages = new PackageStore({ directory });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const spec = (code = 'code') => buildDeploymentSpec({ name: 'basic', version: '1.0', path: 'p', type: 'NODE', codePackage: utf8(code) });
const signed = (policy: string) => buildSignedPackage(spec(), utf8(policy), { clock: { now: () => new Date(0) } });

/** A channel state that holds what LSCC would have written for `bytes`, and remembers what was read. */
function instantiated(bytes: Uint8Array, instantiationPolicy = 'admins') {
  const parts = { escc: 'escc', vscc: 'vscc', policy: utf8('policy'), instantiationPolicy: utf8(instantiationPolicy) };
  const value = chaincodeDataOf(parsePackage(bytes), parts);
  const reads: string[] = [];
  return {
    reads,
    getState: (namespace: string, key: string) => {
      reads.push(`${namespace}/${key}`);
      return namespace === 'lscc' && key === 'basic' ? value : undefined;
    },
  };
}

async function found(state: ReturnType<typeof instantiated>, definitions: LegacyDefinitions) {
  const definition = await definitions.find(state, 'basic');
  if (definition === undefined) throw new Error('not found');
  return definition;
}

describe('legacy definitions', () => {
  it('are read from lscc state, so that a simulation records the read', async () => {
    const state = instantiated(spec());
    const definition = await found(state, new LegacyDefinitions({ packages }));
    expect(definition).toMatchObject({
      name: 'basic',
      version: '1.0',
      ccid: 'basic:1.0',
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
    });
    expect(hex(definition.validationParameter)).toEqual(hex(utf8('policy')));
    expect(state.reads).toEqual(['lscc/basic']);
  });

  it('are absent for a chaincode that is not instantiated', async () => {
    const state = instantiated(spec());
    expect(await new LegacyDefinitions({ packages }).find(state, 'other')).toBeUndefined();
    expect(state.reads).toEqual(['lscc/other']);
  });

  it('let run what is installed as instantiated', async () => {
    await packages.install(parsePackage(spec()));
    const definitions = new LegacyDefinitions({ packages });
    await expect(definitions.checkRunnable(await found(instantiated(spec()), definitions))).resolves.toBeUndefined();
  });

  it('refuse what is not installed', async () => {
    const definitions = new LegacyDefinitions({ packages });
    const check = definitions.checkRunnable(await found(instantiated(spec()), definitions));
    await expect(check).rejects.toMatchObject({
      code: 'CHAINCODE_NOT_FOUND',
      message: 'cannot retrieve package for chaincode basic/1.0, error chaincode package basic.1.0 is not installed',
    });
  });

  it('refuse another package of the same name and version, in both texts', async () => {
    await packages.install(parsePackage(spec('other code')));
    for (const [texts, message] of [
      ['1.4', 'chaincode fingerprint mismatch: data mismatch'],
      ['1.1', 'chaincode fingerprint mismatch data mismatch'],
    ] as const) {
      const definitions = new LegacyDefinitions({ packages, texts });
      const check = definitions.checkRunnable(await found(instantiated(spec()), definitions));
      await expect(check).rejects.toMatchObject({ code: 'CHAINCODE_PACKAGE_INVALID', message });
    }
  });

  it('refuse a signed package whose instantiation policy is not the stored one', async () => {
    await packages.install(parsePackage(signed('own policy')));
    const definitions = new LegacyDefinitions({ packages });
    const matching = await found(instantiated(signed('own policy')), definitions);
    await expect(definitions.checkRunnable(matching)).resolves.toBeUndefined();
    const check = definitions.checkRunnable(await found(instantiated(spec()), definitions));
    await expect(check).rejects.toThrow('Instantiation policy mismatch for cc basic/1.0');
  });
});

describe.skipIf(!fixtures)('recorded definitions', () => {
  it('match the recorded package', async () => {
    await packages.install(parsePackage(readFixture('v1.1/packages/kvgo-1.0.cds.pak')));
    const lines = readFixture('v1.1/ledger/state-peer0.jsonl').toString('utf8').split('\n');
    const entries = lines.filter((line) => line.includes('"ns":"lscc"')).map((line): Record<string, string> => JSON.parse(line));
    const state = {
      getState: (_: string, key: string) => {
        const entry = entries.find((line) => Buffer.from(line['key'] ?? '', 'base64').toString() === key);
        return entry && Buffer.from(entry['value'] ?? '', 'base64');
      },
    };
    const definitions = new LegacyDefinitions({ packages });
    const definition = await definitions.find(state, 'kvgo');
    if (definition === undefined) throw new Error('kvgo is not in the recorded state');
    expect(definition).toMatchObject({ version: '1.0', endorsementPlugin: 'escc', validationPlugin: 'vscc' });
    await expect(definitions.checkRunnable(definition)).resolves.toBeUndefined();
  });
});
