import { mkdtemp, rm, writeFile } from 'node:fs/promises';
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
    const { raw, folder: at } = readSources({ FABRIC_CFG_PATH: join(folder, 'absent'), CORE_PEER_ID: 'p' });
    expect(raw).toEqual({ peer: { id: 'p' } });
    expect(at).toBe(join(folder, 'absent'));
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
      'metrics:',
      '  provider: disabled',
    ].join('\n');
    const { ignored } = await sources(yaml, { CORE_PEER_LOCALMSPTYPE: 'bccsp' });
    expect(ignored).toEqual(['metrics', 'peer.gomaxprocs', 'peer.gossip', 'peer.localMspType']);
  });
});

describe('a core.yaml that cannot be read', () => {
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
