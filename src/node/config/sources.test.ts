import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSources, settingAt, variableOf } from './sources.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function sources(yaml: string, env: Record<string, string> = {}) {
  await writeFile(join(folder, 'core.yaml'), yaml);
  return readSources({ FABRIC_CFG_PATH: folder, ...env });
}

describe('settings', () => {
  it('have no case, in the file and inside its lists', async () => {
    const { raw, unknown } = await sources('PEER:\n  LocalMSPid: Org1MSP\n  handlers:\n    authFilters:\n      - Name: DefaultAuth\n');
    expect(settingAt(raw, 'peer.localMspId')).toBe('Org1MSP');
    expect(raw).toEqual({ peer: { localmspid: 'Org1MSP', handlers: { authfilters: [{ name: 'DefaultAuth' }] } } });
    expect(unknown).toEqual([]);
  });

  it('come from CORE_ variables before the file', async () => {
    const env = { CORE_PEER_LOCALMSPID: 'Org2MSP', CORE_PEER_TLS_CLIENTROOTCAS_FILES: 'a b', CORE_CHAINCODE_SYSTEM_MINE: 'enable' };
    const { raw } = await sources('peer:\n  localMspId: Org1MSP\n  id: p\nchaincode:\n  system:\n    Mine: disable\n', env);
    expect(settingAt(raw, 'peer.localMspId')).toBe('Org2MSP');
    expect(settingAt(raw, 'peer.id')).toBe('p');
    expect(settingAt(raw, 'peer.tls.clientRootCAs.files')).toBe('a b');
    expect(settingAt(raw, 'chaincode.system.mine')).toBe('enable');
  });

  it('are not overridden by an empty variable', async () => {
    const { raw } = await sources('peer:\n  id: p\n', { CORE_PEER_ID: '' });
    expect(settingAt(raw, 'peer.id')).toBe('p');
  });

  it('may come from variables alone', () => {
    const { raw, folder: at, absent } = readSources({ FABRIC_CFG_PATH: folder, CORE_PEER_ID: 'p' });
    expect(raw).toEqual({ peer: { id: 'p' } });
    expect(at).toBe(folder);
    expect(absent).toBe(folder); // somebody should say so
  });

  it('have a variable each', () => {
    expect(variableOf('peer.gossip.pvtData.btlPullMargin')).toBe('CORE_PEER_GOSSIP_PVTDATA_BTLPULLMARGIN');
  });
});

describe('what does not mean anything', () => {
  it('is named with its dotted path, as the file writes it', async () => {
    const yaml = 'peer:\n  listenAdress: x\n  tls:\n    certs:\n      file: y\n  gossip:\n    whatever:\n      there: 1\nnonsense: 1\n';
    expect((await sources(yaml)).unknown).toEqual(['peer.listenAdress', 'peer.tls.certs.file', 'nonsense']);
  });

  it('is named when it is a variable', async () => {
    const env = { CORE_PEER_ADRESS: 'x', CORE_PEER_GOSSIP_USELEADERELECTION: 'true', CORE_VM_ENDPOINT: '', CORE: '', CORE_PEER_ID: 'p' };
    expect((await sources('', env)).unknown).toEqual(['CORE_PEER_ADRESS']);
  });

  it('is not an empty section', async () => {
    expect((await sources('peer:\n  handlers:\n  tls: {}\noperations:\nledger:\n  blockchain:\n')).unknown).toEqual([]);
  });
});

describe('settings of Fabric that change nothing here', () => {
  it('are named once, a section by its name, and only when they are set', async () => {
    const yaml = [
      'peer:',
      '  id: p',
      '  validatorPoolSize:',
      '  gomaxprocs: -1',
      '  gossip:',
      '    bootstrap: 127.0.0.1:7051',
      '    endpoint:',
      '    orgLeader: false',
      '    pvtData:',
      '      transientstoreMaxBlockRetention: 7',
      '  handlers:',
      '    authFilters: []',
      'ledger:',
      '  history: { enableHistoryDatabase: true }',
    ].join('\n');
    const { ignored } = await sources(yaml, { CORE_PEER_LOCALMSPTYPE: 'bccsp' });
    expect(ignored).toEqual(['ledger.history', 'peer.gomaxprocs', 'peer.gossip', 'peer.localMspType']);
  });
});

describe('the folder that FABRIC_CFG_PATH names', () => {
  const read = (path: string) => readSources({ FABRIC_CFG_PATH: path });

  it('must be there', async () => {
    await writeFile(join(folder, 'file'), '');
    await symlink('nowhere', join(folder, 'link'));
    for (const name of ['absent', 'file', 'link']) {
      const message = `FABRIC_CFG_PATH ${join(folder, name)} does not exist`;
      expect(() => read(join(folder, name))).toThrow(expect.objectContaining({ code: 'SETTING_INVALID', message }));
    }
  });

  it('need not be named', () => {
    expect(readSources({}).folder).toBe('/etc/hyperledger/fabric');
    expect(readSources({ FABRIC_CFG_PATH: '' })).toMatchObject({ folder: '/etc/hyperledger/fabric', absent: undefined });
  });

  it('may hold core.json or core.yml, in the order in which Go looks for them', async () => {
    const id = () => settingAt(read(folder).raw, 'peer.id');
    await writeFile(join(folder, 'core.yml'), 'peer: { id: yml }');
    expect(id()).toBe('yml');
    await writeFile(join(folder, 'core.yaml'), 'peer: { id: yaml }');
    expect(id()).toBe('yaml');
    await writeFile(join(folder, 'core.json'), '{"peer": {"id": "json"}}');
    expect(id()).toBe('json');
    expect(read(folder).absent).toBeUndefined();
  });
});

describe('values', () => {
  it.each([
    ['yes', 'true'],
    ['On', 'true'],
    ['y', 'true'],
    ['off', 'false'],
    ['"yes"', 'yes'],
    ['0x10', '16'],
    ['010', '8'],
    ['1_000', '1000'],
    ['12:30:45', '12:30:45'],
    ['.', '.'],
    ['1.5', '1.5'],
    ['.5', '0.5'],
    ['2026-11-29', '2026-11-29'],
    ['~', undefined],
  ])('%s are read as a Go peer reads them', async (written, read) => {
    const { raw } = await sources(`peer:\n  id: ${written}\n`);
    expect(settingAt(raw, 'peer.id')).toBe(read);
  });

  it('may be merged, and of two with one name the last counts', async () => {
    const { raw } = await sources('shared: &tls { enabled: true }\npeer:\n  id: a\n  id: b\n  tls: { <<: *tls, serverhostoverride: x }\n');
    expect(settingAt(raw, 'peer.id')).toBe('b');
    expect(settingAt(raw, 'peer.tls.enabled')).toBe('true');
  });
});

describe('a core.yaml that cannot be read', () => {
  it('is named when it is a link that leads nowhere, a folder or not for us', async () => {
    const file = join(folder, 'core.yaml');
    const refused = () =>
      expect(() => readSources({ FABRIC_CFG_PATH: folder })).toThrow(
        expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(`cannot read ${file}: `) }),
      );
    await symlink('nowhere', file);
    refused();
    await rm(file);
    await mkdir(file);
    refused();
    await rm(file, { recursive: true });
    await writeFile(file, '');
    await chmod(file, 0o000);
    if (process.getuid?.() !== 0) refused(); // root may read everything
  });

  it('is refused in a sentence when its anchors never end', async () => {
    const bomb = [
      'a: &a0 [x]',
      ...Array.from({ length: 9 }, (_, at) => `b${at}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`),
    ].join('\n');
    await expect(sources(bomb)).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining('anchors are used too often'),
    });
    await expect(sources('a: &a { b: *a }')).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringContaining('contains itself'),
    });
  });

  it('is refused with line and column', async () => {
    await expect(sources('peer:\n  id: "open\n')).rejects.toMatchObject({
      code: 'SETTING_INVALID',
      message: expect.stringMatching(/core\.yaml:\d+:\d+: /),
    });
  });

  it('is refused when it holds no keys', async () => {
    await expect(sources('- a\n- b\n')).rejects.toMatchObject({ code: 'SETTING_INVALID' });
  });

  it('may be empty', async () => {
    expect((await sources('')).raw).toEqual({});
  });
});
