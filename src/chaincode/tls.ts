import { hex } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';

/** PEM texts for the chaincode's side of mutual TLS. */
export interface ChaincodeTlsMaterial {
  /** PKCS#8: Java shims read nothing else. */
  readonly clientKey: string;
  readonly clientCert: string;
  /** The certificate authority that the peer's chaincode server shows a certificate of. */
  readonly rootCert: string;
}

/** Makes client certificates of the peer's own chaincode certificate authority, which lives as long as the peer runs. */
export interface ChaincodeCertificates {
  /** A new key and a certificate for client authentication. `certificateHash` is the SHA-256 of its DER. */
  issue(ccid: string): Promise<ChaincodeTlsMaterial & { readonly certificateHash: Uint8Array }>;
}

/** Material of one launch. Disposing it makes its certificate worthless for registering. */
export interface LaunchCredentials extends Disposable {
  readonly material: ChaincodeTlsMaterial;
  /** SHA-256 of the DER of its certificate. */
  readonly certificateHash: Uint8Array;
}

/**
 * Ties certificates to launches: only who was given a name's certificate can register under that name, for as long as the
 * launch and what it started live (Fabric: ten minutes from making it, which a slow build outlives).
 * @see Authenticator in hyperledger/fabric v2.5, core/chaincode/accesscontrol/access.go
 */
export class ChaincodeTls {
  readonly #certificates: ChaincodeCertificates;
  readonly #ccids = new Map<string, string>();

  constructor(certificates: ChaincodeCertificates) {
    this.#certificates = certificates;
  }

  async issue(ccid: string): Promise<LaunchCredentials> {
    const { certificateHash, ...material } = await this.#certificates.issue(ccid);
    const hash = hex(certificateHash);
    this.#ccids.set(hash, ccid);
    return { material, certificateHash, [Symbol.dispose]: () => void this.#ccids.delete(hash) };
  }

  /** @throws {SelvageError} `ACCESS_DENIED` with Fabric's text, when the certificate is not one for this name */
  authorize(ccid: string, certificateHash: Uint8Array | undefined): void {
    if (certificateHash === undefined || certificateHash.length === 0)
      throw denied(`TLS is active but chaincode ${ccid} didn't send certificate`);
    const owner = this.#ccids.get(hex(certificateHash));
    const certificate = `Chaincode ${ccid} with given certificate hash ${goBytes(certificateHash)}`;
    if (owner === undefined) throw denied(`${certificate} not found in registry`);
    if (owner !== ccid) throw denied(`${certificate} belongs to a different chaincode`);
  }
}

/** How Go prints bytes with `%v`. */
const goBytes = (bytes: Uint8Array): string => `[${bytes.join(' ')}]`;

const denied = (text: string): SelvageError => new SelvageError('ACCESS_DENIED', text);
