import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readChaincodeFolder } from './chaincode-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-chaincode-'));
});
afterEach(() => rm(folder, { recursive: true }));

const manifest = (value: unknown) => writeFile(join(folder, 'package.json'), typeof value === 'string' ? value : JSON.stringify(value));
const refusal = (message: string) => expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(message) });

describe('a chaincode folder', () => {
  it('is found from where the command was started', async () => {
    await manifest({ name: 'asset' });
    expect(readChaincodeFolder(basename(folder), join(folder, '..'))).toEqual({ folder, language: 'node', name: 'asset', tour: [] });
  });

  it.each([
    ['@scope/my.chain_code', 'my-chain-code'],
    ['--x--', 'x'],
    ['@', 'chaincode'],
  ])('gives %s a name that a chaincode may have: %s', async (name, expected) => {
    await manifest({ name });
    expect(readChaincodeFolder(folder, '/').name).toBe(expected);
  });

  it('without a name has that of its folder', async () => {
    await manifest({});
    expect(readChaincodeFolder(folder, '/').name).toBe(basename(folder));
  });

  it.each([
    ['module github.com/hyperledger/fabric-samples/asset-transfer-basic/chaincode-go', 'asset-transfer-basic'],
    ['// comment\nmodule "example.com/erc1155/v2" // more', 'erc1155'],
    ['module selvage.example/kv-go', 'kv-go'],
  ])('in Go has the name of its module: %s', async (module, expected) => {
    await writeFile(join(folder, 'go.mod'), `${module}\n\ngo 1.25\n`);
    await manifest({ name: 'tools-for-it' });
    expect(readChaincodeFolder(folder, '/')).toMatchObject({ name: expected, language: 'golang' });
  });

  it('in Java has the name of the folder that means something', async () => {
    const java = join(folder, 'asset-sbe', 'chaincode-java');
    await mkdir(java, { recursive: true });
    await writeFile(join(java, 'build.gradle'), '');
    expect(readChaincodeFolder(java, '/')).toMatchObject({ name: 'asset-sbe', language: 'java' });
  });

  it('may list calls', async () => {
    await manifest({ name: 'x', selvage: { tour: [{ invoke: ['Create', 'a{n}'] }, { query: [] }] } });
    expect(readChaincodeFolder(folder, '/').tour).toEqual([
      { kind: 'invoke', args: ['Create', 'a{n}'] },
      { kind: 'query', args: [] },
    ]);
  });

  it.each([{ tour: {} }, { tour: ['x'] }, { tour: [{ call: ['x'] }] }, { tour: [{ invoke: [1] }] }, { tour: [{ invoke: [], query: [] }] }])(
    'is refused for %j',
    async (selvage) => {
      await manifest({ name: 'x', selvage });
      expect(() => readChaincodeFolder(folder, '/')).toThrow(refusal('is no list of calls'));
    },
  );

  it('is refused when it is none', async () => {
    expect(() => readChaincodeFolder('absent', folder)).toThrow(refusal(`there is no folder ${join(folder, 'absent')}`));
    expect(() => readChaincodeFolder('.', folder)).toThrow(refusal('holds no chaincode'));
    await manifest('{');
    expect(() => readChaincodeFolder('.', folder)).toThrow(refusal('is no JSON'));
    await manifest('[]');
    expect(() => readChaincodeFolder('.', folder)).toThrow(refusal('holds no object'));
    await mkdir(join(folder, 'go.mod'));
    expect(() => readChaincodeFolder('.', folder)).toThrow(refusal('holds no object'));
    await manifest({});
    expect(() => readChaincodeFolder('.', folder)).toThrow(refusal(`cannot read ${join(folder, 'go.mod')}: is a directory`));
    expect(() => readChaincodeFolder('..', folder)).toThrow(refusal('holds no chaincode')); // none of the looked through is in the way
  });
});
