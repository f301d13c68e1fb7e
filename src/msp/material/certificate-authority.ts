import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { skiOfKeyInfo } from '../identities/certificate.ts';
import { toPem } from '../identities/pem.ts';
import {
  alternativeNames,
  authorityKeyIdentifier,
  basicConstraints,
  keyUsage,
  type Name,
  serverAndClient,
  subjectKeyIdentifier,
  USAGE,
  writeCertificate,
} from './certificate-writer.ts';

const TEN_YEARS_MS = 3650 * 24 * 3_600_000;

/** A certificate and its key, as PEM. The key is PKCS#8. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface SubjectSpec {
  readonly commonName: string;
  /** The node OU that tells a peer from a client; TLS certificates have none. */
  readonly organizationalUnit?: string;
}

export interface TlsSpec extends SubjectSpec {
  /** Host names and IP addresses; none for a client. */
  readonly hosts: readonly string[];
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

interface AuthorityParts {
  readonly name: Name;
  readonly certificate: Uint8Array;
  readonly keys: Keys;
  readonly keyId: Uint8Array;
  readonly validity: Validity;
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** A root CA for development: P-256, ten years, the same names and extensions as cryptogen's. */
export class CertificateAuthority {
  readonly #parts: AuthorityParts;

  private constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  /** @param now certificates are valid from five minutes before, rounded down to the minute */
  static async create(
    { commonName, organization }: { readonly commonName: string; readonly organization: string },
    now: Date,
  ): Promise<CertificateAuthority> {
    const validity = validityFrom(now);
    const keys = await newKeys();
    const keyId = skiOfKeyInfo(new Uint8Array(keys.publicKey.export({ type: 'spki', format: 'der' })));
    const name: Name = [...PLACE, ['O', organization], ['CN', commonName]];
    const certificate = writeCertificate({
      subject: name,
      issuer: name,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      ...validity,
      extensions: [
        keyUsage(USAGE.digitalSignature | USAGE.keyEncipherment | USAGE.keyCertSign | USAGE.cRLSign),
        serverAndClient(),
        basicConstraints(true),
        subjectKeyIdentifier(keyId),
      ],
    });
    return new CertificateAuthority({ name, certificate, keys, keyId, validity });
  }

  /** The CA's own certificate and key. */
  get own(): KeyedCertificate {
    return keyed(this.#parts.certificate, this.#parts.keys);
  }

  /** A certificate to sign proposals, endorsements or blocks with. */
  identity(spec: SubjectSpec): Promise<KeyedCertificate> {
    return this.#issue(spec, [keyUsage(USAGE.digitalSignature)], []);
  }

  /** A certificate for both ends of TLS. */
  tls(spec: TlsSpec): Promise<KeyedCertificate> {
    const usages = [keyUsage(USAGE.digitalSignature | USAGE.keyEncipherment), serverAndClient()];
    return this.#issue(spec, usages, spec.hosts.length === 0 ? [] : [alternativeNames(spec.hosts)]);
  }

  async #issue(
    { commonName, organizationalUnit }: SubjectSpec,
    usages: readonly Uint8Array[],
    names: readonly Uint8Array[],
  ): Promise<KeyedCertificate> {
    const { name, keys: issuerKeys, keyId, validity } = this.#parts;
    const keys = await newKeys();
    const unit: Name = organizationalUnit === undefined ? [] : [['OU', organizationalUnit]];
    const certificate = writeCertificate({
      subject: [...PLACE, ...unit, ['CN', commonName]],
      issuer: name,
      publicKey: keys.publicKey,
      signingKey: issuerKeys.privateKey,
      ...validity,
      extensions: [...usages, basicConstraints(false), authorityKeyIdentifier(keyId), ...names],
    });
    return keyed(certificate, keys);
  }
}

/** Where cryptogen says its organisations are. */
const PLACE: Name = [
  ['C', 'US'],
  ['ST', 'California'],
  ['L', 'San Francisco'],
];

function validityFrom(now: Date): Validity {
  const start = Math.floor((now.getTime() - 5 * 60_000) / 60_000) * 60_000;
  return { notBefore: new Date(start), notAfter: new Date(start + TEN_YEARS_MS) };
}

const generate = promisify(generateKeyPair);
const newKeys = (): Promise<Keys> => generate('ec', { namedCurve: 'P-256' });

const keyed = (certificate: Uint8Array, { privateKey }: Keys): KeyedCertificate => ({
  certificate: toPem('CERTIFICATE', certificate),
  privateKey: toPem('PRIVATE KEY', new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))),
});
