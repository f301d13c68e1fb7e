/** ECDSA signatures as Fabric wants them: DER, and the smaller of the two possible s. */
import type { KeyObject } from 'node:crypto';
import { SelvageError } from '../../common/errors.ts';
import { DerReader, der, derInteger, integerOf, TAG } from './der.ts';

/** Orders of the curves Go knows, by OpenSSL's names. */
const ORDERS: ReadonlyMap<string, bigint> = new Map([
  ['secp224r1', 0xffffffffffffffffffffffffffff16a2e0b8f03e13dd29455c5c2a3dn],
  ['prime256v1', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  ['secp384r1', 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n],
  [
    'secp521r1',
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
]);

export interface EcdsaSignature {
  readonly r: bigint;
  readonly s: bigint;
}

/** The order of the key's curve, or undefined when it is no ECDSA key on a curve that Fabric knows. */
export function curveOrder(key: KeyObject): bigint | undefined {
  const curve = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;
  return curve === undefined ? undefined : ORDERS.get(curve);
}

/**
 * Reads `SEQUENCE { r, s }`. Bytes after the sequence and after s inside it are passed over, as Go's parser does.
 * @throws {SelvageError} `MALFORMED`, also when r or s is not positive
 * @see UnmarshalECDSASignature in hyperledger/fabric v2.5, bccsp/utils/ecdsa.go
 */
export const parseEcdsaSignature = (bytes: Uint8Array): EcdsaSignature => readSignature(bytes);

/** `exact` when nothing was passed over: the reader takes minimal lengths and integers only, so these bytes are the one encoding. */
function readSignature(bytes: Uint8Array): EcdsaSignature & { readonly exact: boolean } {
  const whole = new DerReader(bytes);
  const sequence = whole.enter(TAG.SEQUENCE);
  const r = integerOf(sequence.expect(TAG.INTEGER).content);
  const s = integerOf(sequence.expect(TAG.INTEGER).content);
  if (r <= 0n || s <= 0n) throw new SelvageError('MALFORMED', 'invalid signature, R and S must be larger than zero');
  return { r, s, exact: whole.done && sequence.done };
}

/** Whether the bytes are the one DER encoding of their signature; S may be high. */
export function isCanonicalEcdsa(signature: Uint8Array): boolean {
  try {
    return readSignature(signature).exact;
  } catch (thrown) {
    if (thrown instanceof SelvageError) return false;
    throw thrown;
  }
}

export const encodeEcdsaSignature = ({ r, s }: EcdsaSignature): Uint8Array => der(TAG.SEQUENCE, derInteger(r), derInteger(s));

/** Whether s is at most half the curve's order. */
export const isLowS = ({ s }: EcdsaSignature, order: bigint): boolean => s <= order / 2n;

/**
 * The same signature with low S; bytes whose S is low already come back as they are.
 * @throws {SelvageError} `MALFORMED` when it is no signature
 * @see SignatureToLowS in hyperledger/fabric v2.5, bccsp/utils/ecdsa.go
 */
export function toLowS(signature: Uint8Array, order: bigint): Uint8Array {
  const { r, s } = parseEcdsaSignature(signature);
  return s <= order / 2n ? signature : encodeEcdsaSignature({ r, s: order - s });
}

/**
 * The signature in the one form OpenSSL accepts, or undefined when Fabric refuses it without looking at the key: not DER,
 * not positive, or high S.
 */
export function acceptableSignature(signature: Uint8Array, order: bigint): Uint8Array | undefined {
  try {
    const parsed = readSignature(signature);
    if (!isLowS(parsed, order) || parsed.r >= order) return undefined;
    return parsed.exact ? signature : encodeEcdsaSignature(parsed);
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
