import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePeerConfig, replicasOf } from './peer-config.ts';
import { readSources } from './sources.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-settings-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function chaincode(yaml: string, env: Record<string, string> = {}) {
  await writeFile(join(folder, 'core.yaml'), `peer: { mspConfigPath: . }\n${yaml}`);
  return parsePeerConfig(readSources({ FABRIC_CFG_PATH: folder, ...env }), undefined).chaincode;
}

describe('chaincode.externalBuilders', () => {
  it('is a list, with paths as core.yaml means them, under either name of the variables', async () => {
    const yaml = `chaincode:
  externalBuilders:
    - { name: one, path: /opt/one, propagateEnvironment: [A, B] }
    - { name: two, path: builders/two, environmentWhitelist: [C] }
    - { name: three, path: /opt/three }`;
    expect((await chaincode(yaml)).externalBuilders).toEqual([
      { name: 'one', path: '/opt/one', propagateEnvironment: ['A', 'B'] },
      { name: 'two', path: join(folder, 'builders/two'), propagateEnvironment: ['C'] },
      { name: 'three', path: '/opt/three', propagateEnvironment: [] },
    ]);
  });

  it('comes as YAML or JSON from its variable', async () => {
    const env = { CORE_CHAINCODE_EXTERNALBUILDERS: '[{name: x, path: /x, propagateEnvironment: [HOME]}]' };
    expect((await chaincode('', env)).externalBuilders).toEqual([{ name: 'x', path: '/x', propagateEnvironment: ['HOME'] }]);
    expect((await chaincode('chaincode: { externalBuilders: }')).externalBuilders).toEqual([]);
  });

  it.each([
    ['[{path: /x}]', 'chaincode.externalBuilders.0.name'],
    ['[{name: x, path: ""}]', 'expected the folder of a builder'],
    ['{name: x}', 'expected a list of builders'],
    ['[', 'CORE_CHAINCODE_EXTERNALBUILDERS'],
  ])('%s is refused', async (value, message) => {
    await expect(chaincode('', { CORE_CHAINCODE_EXTERNALBUILDERS: value })).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringMatching(new RegExp(message.replaceAll('.', '\\.'), 'i')),
    });
  });
});

describe('the execute timeout', () => {
  it.each([
    ['', 30_000],
    ['chaincode: { executetimeout: 45s }', 45_000],
    ['chaincode: { executetimeout: 10ms }', 30_000],
    ['chaincode: { mode: dev }', 30_000],
    ['selvage: { inspectChaincode: true }', 30_000],
    ['chaincode: { mode: dev, executetimeout: 45s }', 45_000],
    ['chaincode: { mode: dev, executetimeout: 10ms }', 30_000],
  ])('of %j is %d ms', async (yaml, ms) => {
    expect((await chaincode(yaml)).executeTimeoutMs).toBe(ms);
  });
});

describe('selvage.retireAfter', () => {
  it('is never unless a time is given', async () => {
    expect((await chaincode('')).retireAfterMs).toBeUndefined();
    expect((await chaincode('selvage: { retireAfter: 30s }')).retireAfterMs).toBe(30_000);
    await expect(chaincode('selvage: { retireAfter: soon }')).rejects.toThrow('selvage.retireAfter: expected a number with a unit');
  });
});

describe('selvage.replicas', () => {
  const replicas = async (yaml: string, names: readonly string[], env: Record<string, string> = {}) => {
    const config = await chaincode(yaml, env);
    return names.map((name) => replicasOf(config.replicas, name));
  };

  it('is one, or what is set for all, or for a chaincode by its name in any case', async () => {
    expect(await replicas('', ['basic'])).toEqual([1]);
    expect(await replicas('', ['basic'], { CORE_SELVAGE_REPLICAS: '3' })).toEqual([3]);
    const yaml = 'selvage: { replicas: 2, chaincodes: { Basic: { replicas: 4 }, other: } }';
    expect(await replicas(yaml, ['basic', 'Basic', 'other', 'another'])).toEqual([4, 4, 2, 2]);
    expect(await replicas(yaml, ['basic'], { CORE_SELVAGE_CHAINCODES_BASIC_REPLICAS: '5' })).toEqual([5]);
  });

  it.each([
    ['selvage: { replicas: 0 }', 'selvage.replicas: expected a whole number from 1 to 64'],
    ['selvage: { replicas: 65 }', 'selvage.replicas: expected a whole number from 1 to 64'],
    ['selvage: { replicas: many }', 'selvage.replicas: expected a whole number from 1 to 64'],
    ['selvage: { chaincodes: { basic: { replicas: 1.5 } } }', 'selvage.chaincodes.basic.replicas: expected a whole number from 1 to 64'],
    ['selvage: { chaincodes: { basic: { replica: 2 } } }', 'selvage.chaincodes.basic.replica: '],
    ['selvage: { chaincodes: { basic: 2 } }', 'selvage.chaincodes.basic: expected settings of a chaincode, like replicas: 2'],
  ])('%s is refused', async (yaml, message) => {
    await expect(chaincode(yaml)).rejects.toMatchObject({ code: 'SETTING_INVALID', message: expect.stringContaining(message) });
  });
});

describe('selvage.process', () => {
  it('bounds what builds leave, and tells whether they go into the sandbox', async () => {
    const usual = { sandboxBuilds: true, shareBuildCaches: false, cache: { maxBytes: 10 * 1024 ** 3, maxUnusedMs: 30 * 24 * 3_600_000 } };
    expect((await chaincode('')).builds).toEqual(usual);
    const yaml = 'selvage: { process: { sandboxBuilds: false, shareBuildCaches: true, cacheSize: 1000, cacheUnused: 0s } }';
    expect((await chaincode(yaml)).builds).toEqual({
      sandboxBuilds: false,
      shareBuildCaches: true,
      cache: { maxBytes: 1000, maxUnusedMs: undefined },
    });
  });

  it('gives Node chaincode a socket of its own unless told', async () => {
    expect((await chaincode('')).localTransport).toBe(true);
    expect((await chaincode('selvage: { process: { localTransport: false } }')).localTransport).toBe(false);
  });

  it('limits chaincode processes, and tells whether a sandbox is wanted', async () => {
    expect((await chaincode('')).isolation).toEqual({
      sandbox: 'auto',
      limits: { memoryBytes: 2_147_483_648, openFiles: 4096, cpus: undefined, processes: 128 + 8 * availableParallelism() },
    });
    expect(
      (await chaincode('selvage: { process: { sandbox: required, memory: 0, openFiles: 100, cpus: 0.5, processes: 0 } }')).isolation,
    ).toEqual({
      sandbox: 'required',
      limits: { memoryBytes: undefined, openFiles: 100, cpus: 0.5, processes: undefined },
    });
    await expect(chaincode('selvage: { process: { sandbox: yes } }')).rejects.toThrow(
      'selvage.process.sandbox: expected one of off, auto, required',
    );
  });

  it.each([
    ['two', 'expected a number of cores, like 2 or 0.5, or 0 for no limit'],
    ['-1', 'expected a number of cores'],
    ['0.001', 'expected no less than 0.01 of a core'],
  ])('refuses %s cores', async (cpus, message) => {
    await expect(chaincode('', { CORE_SELVAGE_PROCESS_CPUS: cpus })).rejects.toThrow(`selvage.process.cpus: ${message}`);
  });
});
