import { Certificate } from './certificate.ts';
import { der, TAG } from './der.ts';
import { toLowS } from './ecdsa.ts';

const NO_UNUSED_BITS = new Uint8Array([0]);

/**
 * A certificate that an ECDSA key issued, with the issuer's signature in its low-S form; the same object where it has that
 * form already. Bytes and therefore the identity's identifier change, what was signed does not.
 * @param order of the issuer's curve
 * @throws {SelvageError} `MALFORMED` when the signature is none
 * @see sanitizeECDSASignedCert in hyperledger/fabric v2.5, msp/cert.go
 */
export function sanitised(certificate: Certificate, order: bigint): Certificate {
  const signature = toLowS(certificate.signature, order);
  if (signature === certificate.signature) return certificate;
  return new Certificate(der(TAG.SEQUENCE, certificate.tbs, certificate.algorithm, der(TAG.BIT_STRING, NO_UNUSED_BITS, signature)));
}
