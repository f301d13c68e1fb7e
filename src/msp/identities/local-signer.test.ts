import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { describe, it } from 'vitest';
import { issue } from '../../../test/certificates.ts';
import { Certificate } from './certificate.ts';
import { curveOrder, isLowS, parseEcdsaSignature } from './ecdsa.ts';
import { LocalSigner } from './local-signer.ts';
import { serializeIdentity } from './serialized-identity.ts';

describe('a local signer', () => {
  const privateKeyPem = (key: { export(options: { format: 'pem'; type: 'pkcs8' }): string | Buffer }): string =>
    String(key.export({ format: 'pem', type: 'pkcs8' }));

  it('signs with a low S, on either curve', async () => {
    for (const curve of ['P-256', 'P-384'] as const) {
      const user = await issue({ subject: 'CN=user', curve });
      const signer = LocalSigner.fromPem({ mspId: 'Org1MSP', certificate: user.pem, privateKey: privateKeyPem(user.privateKey) });
      const key = new Certificate(user.der).publicKey;
      for (let count = 0; count < 20; count += 1) {
        const message = new Uint8Array([count]);
        const signature = signer.sign(message);
        assert.ok(isLowS(parseEcdsaSignature(signature), curveOrder(key) ?? 0n));
        assert.ok(verify('sha256', message, key, signature));
      }
      assert.deepEqual(signer.serialized, serializeIdentity('Org1MSP', user.der));
    }
  });

  it('is refused with a key of somebody else, of another kind, or unreadable files', async () => {
    const user = await issue({ subject: 'CN=user' });
    const good = { mspId: 'Org1MSP', certificate: user.pem, privateKey: privateKeyPem(user.privateKey) };
    const refuse = (change: Partial<typeof good>, message: RegExp): void =>
      assert.throws(() => LocalSigner.fromPem({ ...good, ...change }), { code: 'SETTING_INVALID', message });
    refuse({ privateKey: privateKeyPem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey) }, /does not belong/);
    refuse({ privateKey: privateKeyPem(generateKeyPairSync('ed25519').privateKey) }, /no ECDSA key/);
    refuse({ privateKey: 'x' }, /private key cannot be read/);
    refuse({ certificate: 'x' }, /certificate cannot be read/);
  });
});
