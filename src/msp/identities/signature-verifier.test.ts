import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'vitest';
import { concatBytes } from '../../common/bytes.ts';
import { curveOrder, encodeEcdsaSignature, parseEcdsaSignature, toLowS } from './ecdsa.ts';
import { type SignatureCheck, SignatureVerifier } from './signature-verifier.ts';

const { privateKey, publicKey: key } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const order = curveOrder(key) ?? 0n;

const check = (text: string, change: Partial<SignatureCheck> = {}): SignatureCheck => {
  const message = new TextEncoder().encode(text);
  return {
    identityId: 'someone',
    key,
    hash: 'sha256',
    message,
    signature: toLowS(new Uint8Array(sign('sha256', message, privateKey)), order),
    ...change,
  };
};

describe('the signature verifier', () => {
  it('judges one and many alike', async () => {
    const verifier = new SignatureVerifier();
    assert.equal(await verifier.verify(check('alone')), true);
    const many = Array.from({ length: 50 }, (_, at) => check(`message ${at}`, at % 3 === 0 ? { message: new Uint8Array([at]) } : {}));
    assert.deepEqual(
      await Promise.all(many.map((one) => verifier.verify(one))),
      many.map((_, at) => at % 3 !== 0),
    );
  });

  it('refuses a high S at once, and passes over bytes after the signature', async () => {
    const verifier = new SignatureVerifier();
    const good = check('message');
    const { r, s } = parseEcdsaSignature(good.signature);
    assert.equal(verifier.verify({ ...good, signature: encodeEcdsaSignature({ r, s: order - s }) }), false);
    assert.equal(await verifier.verify({ ...good, signature: concatBytes(good.signature, new Uint8Array([0])) }), true);
  });

  it('remembers what it judged, by identity, message and signature', async () => {
    const verifier = new SignatureVerifier();
    const good = check('message');
    assert.equal(await verifier.verify(good), true);
    assert.equal(verifier.verify(good), true, 'an answer at once');
    const bad = { ...good, message: new TextEncoder().encode('another') };
    assert.equal(await verifier.verify(bad), false);
    assert.equal(verifier.verify(bad), false, 'an answer at once');
    const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey;
    assert.equal(await verifier.verify({ ...good, identityId: 'another', key: other }), false);
    assert.equal(await verifier.verify({ ...good, hash: 'sha3-256' }), false);
  });

  it('forgets what is more than it may keep', async () => {
    const verifier = new SignatureVerifier({ cacheSize: 1 });
    const [first, second] = [check('first'), check('second')];
    await verifier.verify(first);
    await verifier.verify(second);
    assert.ok(verifier.verify(first) instanceof Promise);
    assert.equal(verifier.verify(second), true);
    assert.equal(await verifier.verify(first), true);
  });

  it('judges the same thing once when it is asked for twice at a time', async () => {
    const verifier = new SignatureVerifier();
    const good = check('message');
    const pending = verifier.verify(good);
    assert.equal(verifier.verify(good), pending);
    assert.equal(await pending, true);
  });

  it('judges P-384 keys by SHA-256, and SHA-3 where the MSP says so', async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const message = new Uint8Array([1, 2, 3]);
    for (const hash of ['sha256', 'sha3-256'] as const) {
      const signature = toLowS(new Uint8Array(sign(hash, message, pair.privateKey)), curveOrder(pair.publicKey) ?? 0n);
      assert.equal(await new SignatureVerifier().verify({ identityId: hash, key: pair.publicKey, hash, message, signature }), true);
    }
  });

  it('judges signatures of Ed25519, which hash nothing', async () => {
    const verifier = new SignatureVerifier();
    const own = generateKeyPairSync('ed25519');
    const message = new Uint8Array([1, 2, 3]);
    const signature = new Uint8Array(sign(null, message, own.privateKey));
    const judged = (more: Partial<SignatureCheck> = {}) =>
      verifier.verify({ identityId: 'x', key: own.publicKey, hash: undefined, message, signature, ...more });
    assert.equal(await judged(), true);
    assert.equal(await judged({ message: new Uint8Array([1]) }), false);
    assert.equal(await judged({ signature: signature.map((byte) => byte ^ 1) }), false);
    assert.equal(judged({ signature: new Uint8Array([...signature, 0]) }), false);
    assert.equal(judged({ key }), false);
  });

  it('refuses keys that are not ECDSA, and signatures that are none', () => {
    const verifier = new SignatureVerifier();
    const { publicKey, privateKey: other } = generateKeyPairSync('ed25519');
    const message = new Uint8Array([1]);
    assert.equal(
      verifier.verify({ identityId: 'x', key: publicKey, hash: 'sha256', message, signature: new Uint8Array(sign(null, message, other)) }),
      false,
    );
    assert.equal(verifier.verify(check('message', { signature: new Uint8Array(0) })), false);
  });
});
