import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { equalBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { Signer } from '../identity.ts';
import { Certificate, skiOfKeyInfo } from './certificate.ts';
import { curveOrder, toLowS } from './ecdsa.ts';
import { serializeIdentity } from './serialized-identity.ts';
import type { SignatureHash } from './signature-verifier.ts';

export interface LocalSignerParts {
  readonly mspId: string;
  /** As the MSP has it, that is sanitised. */
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
  readonly hash?: SignatureHash;
}

/** Signs with a key in this process, at once: a signature takes some 30 µs. See endorsing-signer.ts for who makes many. */
export class LocalSigner implements Signer {
  readonly mspId: string;
  readonly serialized: Uint8Array;
  readonly certificate: Certificate;
  readonly #key: KeyObject;
  readonly #order: bigint;
  readonly hash: SignatureHash;

  /** @throws {SelvageError} `SETTING_INVALID` when key and certificate do not belong together, or the key is not ECDSA */
  constructor({ mspId, certificate, privateKey, hash = 'sha256' }: LocalSignerParts) {
    const order = curveOrder(privateKey);
    if (order === undefined)
      throw new SelvageError('SETTING_INVALID', `the private key of ${mspId} is no ECDSA key on a curve that Fabric knows`);
    if (!equalBytes(skiOfKey(privateKey), certificate.keySki)) {
      throw new SelvageError('SETTING_INVALID', `the private key of ${mspId} does not belong to the signing certificate`);
    }
    this.mspId = mspId;
    this.certificate = certificate;
    this.serialized = serializeIdentity(mspId, certificate.der);
    this.#key = privateKey;
    this.#order = order;
    this.hash = hash;
  }

  /**
   * A signer from the files of a user, without an MSP: the certificate is taken as it is.
   * @throws {SelvageError} `SETTING_INVALID` when one of them cannot be read or they do not belong together
   */
  static fromPem({
    mspId,
    certificate,
    privateKey,
  }: {
    readonly mspId: string;
    readonly certificate: string | Uint8Array;
    readonly privateKey: string | Uint8Array;
  }): LocalSigner {
    return new LocalSigner({ mspId, certificate: readCertificate(certificate), privateKey: readKey(privateKey) });
  }

  sign(message: Uint8Array): Uint8Array {
    return toLowS(new Uint8Array(sign(this.hash, message, this.#key)), this.#order);
  }

  /** The same in the thread pool. */
  signOnThread(message: Uint8Array, done: (error: Error | null, signature: Uint8Array) => void): void {
    sign(this.hash, message, this.#key, (error, signature) =>
      error === null ? done(null, toLowS(new Uint8Array(signature), this.#order)) : done(error, signature),
    );
  }
}

function readCertificate(pem: string | Uint8Array): Certificate {
  try {
    return Certificate.fromPem(pem);
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', 'the signing certificate cannot be read', { cause });
  }
}

function readKey(pem: string | Uint8Array): KeyObject {
  try {
    return createPrivateKey(typeof pem === 'string' ? pem : Buffer.from(pem));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', 'the private key cannot be read', { cause });
  }
}

/** By it a key store finds the private key of a certificate: see {@link Certificate.keySki}. */
export const skiOfKey = (key: KeyObject): Uint8Array =>
  skiOfKeyInfo(new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })));
