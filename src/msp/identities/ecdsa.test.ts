import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, readFixtureJson } from '../../../test/fixtures.ts';
import { concatBytes, hex } from '../../common/bytes.ts';
import { acceptableSignature, curveOrder, encodeEcdsaSignature, isLowS, parseEcdsaSignature, toLowS } from './ecdsa.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe.skipIf(!fixtures)('signatures as Fabric judged them', () => {
  interface Recorded {
    readonly fabricAccepts: boolean;
    readonly isLowS: boolean;
    readonly lowSSignatureHex: string;
    readonly messageHex: string;
    readonly signatureHex: string;
    readonly spkiDerHex: string;
  }
  const recorded = fixtures === undefined ? [] : (readFixtureJson('pure/functions-v1.1.json') as { lowS: Recorded[] }).lowS;

  it('lowers S, accepts and refuses alike', () => {
    assert.equal(recorded.length, 8);
    for (const vector of recorded) {
      const key = createPublicKey({ key: Buffer.from(vector.spkiDerHex, 'hex'), format: 'der', type: 'spki' });
      const order = curveOrder(key) ?? 0n;
      const signature = bytes(vector.signatureHex);
      assert.equal(isLowS(parseEcdsaSignature(signature), order), vector.isLowS);
      assert.equal(hex(toLowS(signature, order)), vector.lowSSignatureHex);
      const acceptable = acceptableSignature(signature, order);
      const accepted = acceptable !== undefined && verify('sha256', bytes(vector.messageHex), key, acceptable);
      assert.equal(accepted, vector.fabricAccepts);
    }
  });
});

describe('ECDSA signatures', () => {
  it('knows the order of each curve: r, s and order − s are all good for OpenSSL', () => {
    for (const namedCurve of ['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1']) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      const order = curveOrder(publicKey) ?? 0n;
      const message = Buffer.from('message');
      const { r, s } = parseEcdsaSignature(sign('sha256', message, privateKey));
      assert.ok(verify('sha256', message, publicKey, encodeEcdsaSignature({ r, s: order - s })), namedCurve);
    }
  });

  it('has no order for other keys', () => {
    assert.equal(curveOrder(generateKeyPairSync('ed25519').publicKey), undefined);
    assert.equal(curveOrder(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey), undefined);
  });

  it('passes over what follows the sequence, and what follows s inside it', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const order = curveOrder(publicKey) ?? 0n;
    const plain = bytes('3006020101020102');
    assert.deepEqual(acceptableSignature(concatBytes(plain, bytes('ffff')), order), plain);
    assert.deepEqual(acceptableSignature(bytes('3009020101020102020103'), order), plain);
  });

  it('refuses zero, negative, padded and cut-off numbers, and a high S', () => {
    const order = curveOrder(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey) ?? 0n;
    const half = order / 2n;
    for (const refused of [
      '',
      '30',
      '3000',
      '3006020100020102',
      '3006020101020100',
      '3006020181020102',
      '300702020001020102',
      '30060201010201',
      '3106020101020102',
      '308106020101020102',
      '3080020101020102',
    ]) {
      assert.equal(acceptableSignature(bytes(refused), order), undefined, refused);
    }
    assert.notEqual(acceptableSignature(encodeEcdsaSignature({ r: 1n, s: half }), order), undefined);
    assert.equal(acceptableSignature(encodeEcdsaSignature({ r: 1n, s: half + 1n }), order), undefined);
    assert.equal(acceptableSignature(encodeEcdsaSignature({ r: order, s: 1n }), order), undefined);
  });
});
