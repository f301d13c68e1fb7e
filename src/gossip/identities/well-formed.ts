import { SelvageError } from '../../common/errors.ts';
import { Certificate } from '../../msp/identities/certificate.ts';
import { isCanonicalEcdsa } from '../../msp/identities/ecdsa.ts';
import { firstPemBlock } from '../../msp/identities/pem.ts';
import { isEcdsaSigned } from '../../msp/identities/x509-signature.ts';
import { msp } from '../../protos/messages.ts';

/**
 * Refuses an identity whose bytes could be changed without changing who it is: one peer would have many ids.
 * @param identity `SerializedIdentity` bytes
 * @throws {SelvageError} `IDENTITY_INVALID`
 * @see IsWellFormed in hyperledger/fabric v2.5, msp/mspimpl.go
 */
export function checkWellFormed(identity: Uint8Array): void {
  const { mspid, idBytes } = msp.SerializedIdentity.decode(identity);
  const block = firstPemBlock(idBytes);
  if (block === undefined) throw malformed('PEM decoding resulted in an empty block');
  if (block.end < idBytes.length) throw malformed(`an identity of MSP ${mspid} has trailing bytes`);
  if (block.label !== 'CERTIFICATE') throw malformed(`pem type is ${block.label}, should be 'CERTIFICATE' or missing`);
  const certificate = new Certificate(block.der);
  if (isEcdsaSigned(certificate) && !isCanonicalEcdsa(certificate.signature))
    throw malformed(`an identity of MSP ${mspid} has a non canonical signature`);
}

const malformed = (why: string): SelvageError => new SelvageError('IDENTITY_INVALID', why);
