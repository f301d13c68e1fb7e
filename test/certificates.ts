/** Certificates and revocation lists for tests, made by a library that is not what reads them. */
import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface Issued {
  readonly der: Uint8Array;
  readonly pem: string;
  readonly privateKey: KeyObject;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly certificate: x509.X509Certificate;
}

export interface IssueOptions {
  /** Like `CN=Someone, OU=client`. */
  readonly subject: string;
  /** Self-signed when absent. */
  readonly issuer?: Issued;
  /** A CA with key identifiers and, if given, a path length. */
  readonly ca?: boolean | { readonly pathLength: number };
  /** Whether key usage says so; as `ca`, if not given. */
  readonly signsCertificates?: boolean;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly serialNumber?: string;
  readonly curve?: 'P-256' | 'P-384';
  readonly extensions?: readonly x509.Extension[];
  /** Reuse a key, as for a CA that was certified twice. */
  readonly keys?: webcrypto.CryptoKeyPair;
  /** Whether the issuer's S is to be high or low; either, if not given. */
  readonly s?: 'high' | 'low';
}

const algorithmOf = (curve: string) => ({ name: 'ECDSA', namedCurve: curve, hash: 'SHA-256' }) as const;
const HALF_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;

export async function issue(options: IssueOptions): Promise<Issued> {
  const { subject, issuer, ca = false, curve = 'P-256', extensions = [], s } = options;
  const keys = options.keys ?? (await webcrypto.subtle.generateKey(algorithmOf(curve), true, ['sign', 'verify']));
  const keyUsage =
    (options.signsCertificates ?? ca !== false)
      ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
      : x509.KeyUsageFlags.digitalSignature;
  for (;;) {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: options.serialNumber ?? '0102030405',
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: new Date(options.notBefore ?? '2026-01-01T00:00:00Z'),
      notAfter: new Date(options.notAfter ?? '2036-01-01T00:00:00Z'),
      publicKey: keys.publicKey,
      signingKey: issuer?.keys.privateKey ?? keys.privateKey,
      signingAlgorithm: algorithmOf('P-256'),
      extensions: [
        new x509.BasicConstraintsExtension(ca !== false, typeof ca === 'object' ? ca.pathLength : undefined, true),
        new x509.KeyUsagesExtension(keyUsage, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ...(issuer === undefined ? [] : [await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)]),
        ...extensions,
      ],
    });
    if (s !== undefined && (sOf(certificate) > HALF_P256 ? 'high' : 'low') !== s) continue;
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    return { der: new Uint8Array(certificate.rawData), pem: `${certificate.toString('pem')}\n`, privateKey, keys, certificate };
  }
}

/** The S of a certificate's signature: the second integer of its DER. */
function sOf(certificate: x509.X509Certificate): bigint {
  const der = Buffer.from(certificate.signature);
  const rLength = der[3] ?? 0;
  return BigInt(`0x${der.subarray(6 + rLength).toString('hex')}`);
}

export interface ListOptions {
  readonly issuer: Issued;
  readonly serialNumbers: readonly string[];
  /** Whose key signs; the issuer's if not given. */
  readonly signer?: Issued;
}

/** A revocation list, PEM, with the issuer's authority key id. */
export async function revocationList({ issuer, serialNumbers, signer = issuer }: ListOptions): Promise<string> {
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: new Date('2020-01-01T00:00:00Z'),
    nextUpdate: new Date('2020-02-01T00:00:00Z'),
    entries: serialNumbers.map((serialNumber) => ({ serialNumber, revocationDate: new Date('2035-01-01T00:00:00Z') })),
    extensions: [await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey)],
    signingAlgorithm: algorithmOf('P-256'),
    signingKey: signer.keys.privateKey,
  });
  return `${list.toString('pem')}\n`;
}

export const extendedKeyUsage = (...oids: readonly string[]): x509.Extension => new x509.ExtendedKeyUsageExtension([...oids]);
export const unknownCritical = (): x509.Extension => new x509.Extension('1.2.3.4.5', true, new Uint8Array([5, 0]));
