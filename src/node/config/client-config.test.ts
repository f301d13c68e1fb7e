import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readClientConfig } from './client-config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvage-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const read = (env: Record<string, string>) => readClientConfig({ FABRIC_CFG_PATH: folder, ...env });

describe('a client', () => {
  it('has the defaults of the sample core.yaml, and no TLS', () => {
    expect(read({})).toEqual({ mspId: 'SampleOrg', mspPath: join(folder, 'msp'), peerAddress: '0.0.0.0:7051', peerTls: undefined });
  });

  it('is told by variables and the file, whose paths start at its folder', async () => {
    await writeFile(
      join(folder, 'core.yaml'),
      'peer:\n  mspConfigPath: users/admin/msp\n  tls:\n    enabled: true\n    rootcert:\n      file: ca.crt\n',
    );
    const config = read({ CORE_PEER_LOCALMSPID: 'Org1MSP', CORE_PEER_ADDRESS: 'peer:7051', CORE_PEER_TLS_SERVERHOSTOVERRIDE: 'peer0' });
    expect(config).toEqual({
      mspId: 'Org1MSP',
      mspPath: join(folder, 'users/admin/msp'),
      peerAddress: 'peer:7051',
      peerTls: { rootCertFile: join(folder, 'ca.crt'), keyFile: undefined, certFile: undefined, hostnameOverride: 'peer0' },
    });
  });

  it('shows a certificate with mutual TLS: its own, else that of the node', () => {
    const mutual = {
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_CLIENTAUTHREQUIRED: 'TRUE',
      CORE_PEER_TLS_KEY_FILE: '/k',
      CORE_PEER_TLS_CERT_FILE: '/c',
    };
    expect(read(mutual).peerTls).toMatchObject({ keyFile: '/k', certFile: '/c' });
    const own = { ...mutual, CORE_PEER_TLS_CLIENTKEY_FILE: '/own.k', CORE_PEER_TLS_CLIENTCERT_FILE: '/own.c' };
    expect(read(own).peerTls).toMatchObject({ keyFile: '/own.k', certFile: '/own.c' });
  });
});
