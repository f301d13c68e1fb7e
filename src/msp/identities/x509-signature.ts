/** Signatures inside certificates and revocation lists: who signs is named by OID, and S may be high. */
import { constants, type KeyObject, verify } from 'node:crypto';
import { DerReader, oidOf, TAG } from './der.ts';

interface Scheme {
  readonly keyType: string;
  readonly hash: string | undefined;
}

/** Signature algorithms that Go's x509 accepts today; SHA-1 and MD5 are not among them. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['1.2.840.10045.4.3.2', { keyType: 'ec', hash: 'sha256' }],
  ['1.2.840.10045.4.3.3', { keyType: 'ec', hash: 'sha384' }],
  ['1.2.840.10045.4.3.4', { keyType: 'ec', hash: 'sha512' }],
  ['1.2.840.113549.1.1.11', { keyType: 'rsa', hash: 'sha256' }],
  ['1.2.840.113549.1.1.12', { keyType: 'rsa', hash: 'sha384' }],
  ['1.2.840.113549.1.1.13', { keyType: 'rsa', hash: 'sha512' }],
  ['1.3.101.112', { keyType: 'ed25519', hash: undefined }],
]);

/** What somebody signed in the manner of X.509. */
export interface SignedByAuthority {
  readonly tbs: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

const schemeOf = (algorithm: Uint8Array): Scheme | undefined =>
  SCHEMES.get(oidOf(new DerReader(algorithm).enter(TAG.SEQUENCE).expect(TAG.OID).content));

/** Whether the issuer signed with ECDSA, which is when Fabric sanitises. */
export const isEcdsaSigned = ({ algorithm }: SignedByAuthority): boolean => schemeOf(algorithm)?.keyType === 'ec';

/** False for an unknown algorithm, or one that does not go with the key. */
export function isSignedBy({ tbs, algorithm, signature }: SignedByAuthority, key: KeyObject): boolean {
  const scheme = schemeOf(algorithm);
  if (scheme === undefined || key.asymmetricKeyType !== scheme.keyType) return false;
  const keyInput = scheme.keyType === 'rsa' ? { key, padding: constants.RSA_PKCS1_PADDING } : key;
  return verify(scheme.hash, tbs, keyInput, signature);
}
