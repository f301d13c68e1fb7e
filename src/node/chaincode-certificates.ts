import type { ChaincodeCertificates } from '../chaincode/tls.ts';
import type { ServerTls } from '../comm/tls.ts';
import { sha256 } from '../common/bytes.ts';
import { derOfPem } from '../msp/identities/pem.ts';
import type { CertificateAuthority } from '../msp/material/certificate-authority.ts';

/**
 * The certificate authority between this peer and its chaincode: new at every start, known to nobody else.
 * @see internal/peer/node/start.go and core/chaincode/accesscontrol in hyperledger/fabric v2.5
 */
export class ChaincodeCa implements ChaincodeCertificates {
  readonly #authority: CertificateAuthority;

  private constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  static async create(now: Date): Promise<ChaincodeCa> {
    const { CertificateAuthority } = await import('../msp/material/certificate-authority.ts'); // what makes certificates takes long to load
    return new ChaincodeCa(await CertificateAuthority.create({ commonName: 'chaincode-ca', organization: 'selvage' }, now));
  }

  /** The chaincode server's side: a certificate for `host`, and only our own clients let in. */
  async server(host: string): Promise<ServerTls> {
    const { certificate, privateKey } = await this.#authority.tls({ commonName: host, hosts: [host] });
    return { key: privateKey, cert: certificate, clientRoots: [this.#authority.own.certificate] };
  }

  async issue(ccid: string) {
    const { certificate, privateKey } = await this.#authority.tls({ commonName: ccid, hosts: [] });
    return {
      clientKey: privateKey,
      clientCert: certificate,
      rootCert: this.#authority.own.certificate,
      certificateHash: sha256(derOfPem(certificate)),
    };
  }
}
