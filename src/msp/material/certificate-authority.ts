import 'reflect-metadata'; // what @peculiar/x509 registers its parts with; must be loaded before it
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { hex, sha256 } from '../../common/bytes.ts';
import { isLowS, parseEcdsaSignature } from '../identities/ecdsa.ts';
import { derOfPem, toPem } from '../identities/pem.ts';
import { type Attributes, attributesExtension } from './attributes.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const TEN_YEARS_MS = 3650 * 24 * 3_600_000;
const USAGE = x509.KeyUsageFlags;
const SERVER_AND_CLIENT = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];

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

export interface IdentitySpec extends SubjectSpec {
  /** Go into the certificate as Fabric's CA puts them there; none where they are left out. */
  readonly attributes?: Attributes | undefined;
}

export interface TlsSpec extends SubjectSpec {
  /** Host names and IP addresses; none for a client. */
  readonly hosts: readonly string[];
}

interface AuthorityParts {
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly privateKey: string;
  readonly keyId: string;
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
    const keyId = await keyIdOf(keys.publicKey);
    const name = subject([{ O: [organization] }, { CN: [commonName] }]);
    const certificate = await signed({
      subject: name,
      issuer: name,
      publicKey: keys.publicKey,
      signingKey: keys.privateKey,
      ...validity,
      extensions: [
        new x509.KeyUsagesExtension(USAGE.digitalSignature | USAGE.keyEncipherment | USAGE.keyCertSign | USAGE.cRLSign, true),
        new x509.ExtendedKeyUsageExtension(SERVER_AND_CLIENT),
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.SubjectKeyIdentifierExtension(keyId),
      ],
    });
    return new CertificateAuthority({ certificate, keys, privateKey: await pkcs8(keys.privateKey), keyId, validity });
  }

  /** A CA that was made before. @param now as for {@link create} */
  static async load({ certificate, privateKey }: KeyedCertificate, now: Date): Promise<CertificateAuthority> {
    const own = new x509.X509Certificate(certificate);
    const der = derOfPem(privateKey);
    const [key, publicKey] = await Promise.all([
      webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']),
      webcrypto.subtle.importKey('spki', own.publicKey.rawData, ALGORITHM, true, ['verify']),
    ]);
    const keyId = await keyIdOf(publicKey);
    return new CertificateAuthority({
      certificate: own,
      keys: { privateKey: key, publicKey },
      privateKey,
      keyId,
      validity: validityFrom(now),
    });
  }

  /** The CA's own certificate and key. */
  get own(): KeyedCertificate {
    return { certificate: pemOf(this.#parts.certificate), privateKey: this.#parts.privateKey };
  }

  /** A certificate to sign proposals, endorsements or blocks with. */
  identity(spec: IdentitySpec): Promise<KeyedCertificate> {
    const own = spec.attributes === undefined ? [] : [attributesExtension(spec.attributes)];
    return this.#issue(spec, [new x509.KeyUsagesExtension(USAGE.digitalSignature, true)], own);
  }

  /** A certificate for both ends of TLS. */
  tls(spec: TlsSpec): Promise<KeyedCertificate> {
    const usages = new x509.KeyUsagesExtension(USAGE.digitalSignature | USAGE.keyEncipherment, true);
    const names = spec.hosts.map((value) => ({ type: isIp(value) ? ('ip' as const) : ('dns' as const), value }));
    const hosts = names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
    return this.#issue(spec, [usages, new x509.ExtendedKeyUsageExtension(SERVER_AND_CLIENT)], hosts);
  }

  async #issue(
    { commonName, organizationalUnit }: SubjectSpec,
    usages: readonly x509.Extension[],
    others: readonly x509.Extension[],
  ): Promise<KeyedCertificate> {
    const { certificate: issuer, keys: issuerKeys, keyId, validity } = this.#parts;
    const keys = await newKeys();
    const certificate = await signed({
      subject: subject([...(organizationalUnit === undefined ? [] : [{ OU: [organizationalUnit] }]), { CN: [commonName] }]),
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey: issuerKeys.privateKey,
      ...validity,
      extensions: [
        ...usages,
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.AuthorityKeyIdentifierExtension(keyId),
        ...others,
      ],
    });
    return { certificate: pemOf(certificate), privateKey: await pkcs8(keys.privateKey) };
  }
}

/** Where cryptogen says its organisations are. */
const PLACE: x509.JsonName = [{ C: ['US'] }, { ST: ['California'] }, { L: ['San Francisco'] }];

const subject = (own: x509.JsonName): x509.Name => new x509.Name([...PLACE, ...own]);

/**
 * Signs until the signature has a low S, which every second one has. Fabric rewrites a certificate with a high S before it
 * compares or hashes it; with a low one the file is the identity, byte for byte.
 */
async function signed(params: Omit<x509.X509CertificateCreateWithKeyParams, 'signingAlgorithm'>): Promise<x509.X509Certificate> {
  for (;;) {
    const certificate = await x509.X509CertificateGenerator.create({ ...params, signingAlgorithm: ALGORITHM });
    if (isLowS(parseEcdsaSignature(new Uint8Array(certificate.signature)), P256_ORDER)) return certificate;
  }
}

function validityFrom(now: Date): Validity {
  const start = Math.floor((now.getTime() - 5 * 60_000) / 60_000) * 60_000;
  return { notBefore: new Date(start), notAfter: new Date(start + TEN_YEARS_MS) };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> => webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** SHA-256 of the uncompressed point, as Fabric's key stores have it. */
const keyIdOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  hex(sha256(new Uint8Array(await webcrypto.subtle.exportKey('raw', key))));

const pkcs8 = async (key: webcrypto.CryptoKey): Promise<string> =>
  toPem('PRIVATE KEY', new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', key)));

const pemOf = (certificate: x509.X509Certificate): string => toPem('CERTIFICATE', new Uint8Array(certificate.rawData));

const isIp = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');
