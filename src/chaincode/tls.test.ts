import { describe, expect, it } from 'vitest';
import { ChaincodeTls } from './tls.ts';

/** Certificates whose hash is the number of the one. */
function tls() {
  let count = 0;
  return new ChaincodeTls({
    issue: async (ccid) => {
      count += 1;
      return { clientKey: `key of ${ccid}`, clientCert: 'cert', rootCert: 'root', certificateHash: new Uint8Array([count, 255]) };
    },
  });
}

describe('ChaincodeTls', () => {
  it('lets in who shows the certificate of its launch', async () => {
    const guard = tls();
    const { material } = await guard.issue('cc:1');
    expect(material).toEqual({ clientKey: 'key of cc:1', clientCert: 'cert', rootCert: 'root' });
    guard.authorize('cc:1', new Uint8Array([1, 255]));
  });

  it('refuses with the texts of Fabric', async () => {
    const guard = tls();
    await guard.issue('cc:1');
    const refused = (name: string, hash: Uint8Array | undefined) => expect(() => guard.authorize(name, hash));
    refused('cc:1', undefined).toThrow("TLS is active but chaincode cc:1 didn't send certificate");
    refused('cc:1', new Uint8Array(0)).toThrow("TLS is active but chaincode cc:1 didn't send certificate");
    refused('cc:1', new Uint8Array([9, 9])).toThrow('Chaincode cc:1 with given certificate hash [9 9] not found in registry');
    refused('cc:2', new Uint8Array([1, 255])).toThrow(
      'Chaincode cc:2 with given certificate hash [1 255] belongs to a different chaincode',
    );
  });

  it('forgets a certificate with its launch and keeps those of others', async () => {
    const guard = tls();
    using _ = await guard.issue('cc:1');
    const second = await guard.issue('cc:1');
    second[Symbol.dispose]();
    guard.authorize('cc:1', new Uint8Array([1, 255]));
    expect(() => guard.authorize('cc:1', new Uint8Array([2, 255]))).toThrow('not found in registry');
  });
});
