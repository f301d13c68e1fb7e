import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { msp } from '../../protos/messages.ts';
import { Certificate } from './certificate.ts';
import { toPem } from './pem.ts';

/**
 * Creator and endorser bytes of a certificate: its PEM in Go's form inside a `SerializedIdentity`.
 * @see Serialize in hyperledger/fabric v2.5, msp/identities.go
 */
export const serializeIdentity = (mspId: string, der: Uint8Array): Uint8Array =>
  msp.SerializedIdentity.encode({ mspid: mspId, idBytes: utf8(toPem('CERTIFICATE', der)) });

/** The MSP id inside `SerializedIdentity` bytes, or undefined when they are none. Checks nothing else. */
export function mspIdOf(serialized: Uint8Array): string | undefined {
  try {
    return msp.SerializedIdentity.decode(serialized).mspid;
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}

/**
 * When the X.509 certificate in a creator ends, without asking any MSP; undefined when there is no such certificate (idemix).
 * @see ExpiresAt in hyperledger/fabric v2.5, common/crypto/expiration.go
 */
export function expiryOf(serialized: Uint8Array): Date | undefined {
  try {
    return Certificate.fromPem(msp.SerializedIdentity.decode(serialized).idBytes).notAfter;
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
