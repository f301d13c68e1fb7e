import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readClientConfig } from './client-config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-config-'));
  await writeFile(join(folder, 'core.yaml'), '');
});
afterEach(() => rm(folder, { recursive: true }));

const read = (env: Record<string, string>) => readClientConfig({ FABRIC_CFG_PATH: folder, ...env });

describe('a client', () => {
  it('has the defaults of the sample core.yaml, and no TLS', () => {
    expect(read({})).toEqual({
      mspId: 'SampleOrg',
      mspPath: join(folder, 'msp'),
      peerAddress: '0.0.0.0:7051',
      tls: false,
      rootCertFile: '',
      clientAuth: false,
      connTimeoutMs: 3000,
      doubts: [],
    });
  });

  it('is told that the folder has no core.yaml', async () => {
    await rm(join(folder, 'core.yaml'));
    expect(read({}).doubts).toEqual([expect.stringContaining(`there is no core.yaml in ${folder}`)]);
  });

  it('is told by variables and the file, whose paths start at its folder', async () => {
    await writeFile(
      join(folder, 'core.yaml'),
      'peer:\n  mspConfigPath: users/admin/msp\n  tls:\n    enabled: true\n    rootcert:\n      file: ca.crt\n',
    );
    const config = read({
      CORE_PEER_CLIENT_CONNTIMEOUT: '250ms',
      CORE_PEER_LOCALMSPID: 'Org1MSP',
      CORE_PEER_ADDRESS: 'peer:7051',
      CORE_PEER_TLS_SERVERHOSTOVERRIDE: 'peer0',
    });
    expect(config).toMatchObject({
      mspId: 'Org1MSP',
      mspPath: join(folder, 'users/admin/msp'),
      peerAddress: 'peer:7051',
      tls: true,
      rootCertFile: join(folder, 'ca.crt'),
      hostnameOverride: 'peer0',
      connTimeoutMs: 250,
    });
  });

  it('shows a certificate with mutual TLS: its own, else that of the node', () => {
    const mutual = {
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_CLIENTAUTHREQUIRED: 'TRUE',
      CORE_PEER_TLS_KEY_FILE: '/k',
      CORE_PEER_TLS_CERT_FILE: '/c',
    };
    expect(read(mutual)).toMatchObject({ clientAuth: true, keyFile: '/k', certFile: '/c' });
    const own = { ...mutual, CORE_PEER_TLS_CLIENTKEY_FILE: '/own.k', CORE_PEER_TLS_CLIENTCERT_FILE: '/own.c' };
    expect(read(own)).toMatchObject({ keyFile: '/own.k', certFile: '/own.c' });
  });

  it('takes for true what Go takes for it, and says of other words that they count as false', () => {
    const tls = (text: string) => {
      const { tls: on, doubts } = read({ CORE_PEER_TLS_ENABLED: text });
      return [on, doubts.length];
    };
    for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) expect(tls(text)).toEqual([true, 0]);
    for (const text of ['0', 'f', 'FALSE', 'False']) expect(tls(text)).toEqual([false, 0]);
    for (const text of ['yes', 'on', 'tRUE', 'no']) expect(tls(text)).toEqual([false, 1]);
    expect(read({ CORE_PEER_TLS_ENABLED: 'yes' }).doubts[0]).toContain('(CORE_PEER_TLS_ENABLED) is yes, which counts as false');
  });
});
