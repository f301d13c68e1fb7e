import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { hex } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { type Extensions, noExtensions, readExtensions } from './certificate-extensions.ts';
import { bitStringOf, DerReader, directoryText, oidOf, TAG, timeOf } from './der.ts';
import { derOfPem } from './pem.ts';
import { isSignedBy } from './x509-signature.ts';

const ORGANIZATIONAL_UNIT = '2.5.4.11';

interface Fields {
  readonly tbs: Uint8Array;
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly organizationalUnits: readonly string[];
  readonly publicKeyInfo: Uint8Array;
  readonly extensions: Extensions;
}

/** An X.509 certificate: what MSP rules look at. It owns its bytes. */
export class Certificate {
  readonly der: Uint8Array;
  /** The signed part, as received. */
  readonly tbs: Uint8Array;
  /** DER of the signature's AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
  /** Names and serial as hex of their DER, for comparing only. */
  readonly issuer: string;
  readonly subject: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** All OU values of the subject, in order. */
  readonly organizationalUnits: readonly string[];
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKeyInfo: Uint8Array;
  readonly extensions: Extensions;
  #publicKey: KeyObject | undefined;

  /** @throws {SelvageError} `MALFORMED` when the bytes are no certificate, or something follows it */
  constructor(bytes: Uint8Array) {
    this.der = new Uint8Array(bytes);
    const fields = readCertificate(this.der);
    this.tbs = fields.tbs;
    this.algorithm = fields.algorithm;
    this.signature = fields.signature;
    this.issuer = fields.issuer;
    this.subject = fields.subject;
    this.serial = fields.serial;
    this.notBefore = fields.notBefore;
    this.notAfter = fields.notAfter;
    this.organizationalUnits = fields.organizationalUnits;
    this.publicKeyInfo = fields.publicKeyInfo;
    this.extensions = fields.extensions;
  }

  /** @throws {SelvageError} `MALFORMED` */
  static fromPem(pem: string | Uint8Array): Certificate {
    return new Certificate(derOfPem(pem));
  }

  /** @throws {SelvageError} `MALFORMED` when node cannot use the key */
  get publicKey(): KeyObject {
    this.#publicKey ??= publicKeyOf(this.publicKeyInfo);
    return this.#publicKey;
  }

  get isCa(): boolean {
    return this.extensions.isCa;
  }

  equals(other: Certificate): boolean {
    return Buffer.compare(this.der, other.der) === 0;
  }

  /** Whether the issuer's key made this signature; names are not looked at. */
  isSignedWith(issuer: Certificate): boolean {
    return isSignedBy(this, issuer.publicKey);
  }

  /**
   * SHA-256 of the public key's point (EC) or raw bytes (Ed25519): by it Fabric finds the private key.
   * @see SKI in hyperledger/fabric v2.5, bccsp/sw/ecdsakey.go
   */
  get keySki(): Uint8Array {
    return skiOfKeyInfo(this.publicKeyInfo);
  }

  /** As messages name it: the serial number in hex. */
  get serialText(): string {
    return this.serial;
  }
}

/** Fabric's key identifier of a SubjectPublicKeyInfo: SHA-256 of the key's bit string. */
export const skiOfKeyInfo = (publicKeyInfo: Uint8Array): Uint8Array => {
  const info = new DerReader(publicKeyInfo).enter(TAG.SEQUENCE);
  info.next();
  return new Uint8Array(
    createHash('sha256')
      .update(bitStringOf(info.expect(TAG.BIT_STRING).content))
      .digest(),
  );
};

function readCertificate(der: Uint8Array): Fields {
  const outer = new DerReader(der);
  const certificate = outer.enter(TAG.SEQUENCE);
  outer.end();
  const tbs = certificate.expect(TAG.SEQUENCE);
  const algorithm = certificate.expect(TAG.SEQUENCE).raw;
  const signature = bitStringOf(certificate.expect(TAG.BIT_STRING).content);
  certificate.end();

  const body = new DerReader(tbs.content);
  body.optional(0xa0); // version
  const serial = hex(body.expect(TAG.INTEGER).content);
  const innerAlgorithm = body.expect(TAG.SEQUENCE).raw;
  if (Buffer.compare(innerAlgorithm, algorithm) !== 0) {
    throw new SelvageError('MALFORMED', 'x509: inner and outer signature algorithm identifiers don’t match');
  }
  const issuer = hex(body.expect(TAG.SEQUENCE).raw);
  const validity = body.enter(TAG.SEQUENCE);
  const notBefore = timeOf(validity.next());
  const notAfter = timeOf(validity.next());
  const subject = body.expect(TAG.SEQUENCE);
  const publicKeyInfo = body.expect(TAG.SEQUENCE).raw;
  body.optional(0x81);
  body.optional(0x82);
  const extensions = body.optional(0xa3);
  body.end();
  return {
    tbs: tbs.raw,
    algorithm,
    signature,
    issuer,
    subject: hex(subject.raw),
    serial,
    notBefore,
    notAfter,
    organizationalUnits: attributesOf(subject.content, ORGANIZATIONAL_UNIT),
    publicKeyInfo,
    extensions: extensions === undefined ? noExtensions : readExtensions(extensions.content),
  };
}

/** The values of one attribute type in a distinguished name, in order. */
function attributesOf(name: Uint8Array, type: string): string[] {
  const values: string[] = [];
  const relatives = new DerReader(name);
  while (!relatives.done) {
    const attributes = relatives.enter(TAG.SET);
    while (!attributes.done) {
      const attribute = attributes.enter(TAG.SEQUENCE);
      const oid = oidOf(attribute.expect(TAG.OID).content);
      const value = attribute.next();
      if (oid === type) values.push(directoryText(value));
    }
  }
  return values;
}

function publicKeyOf(info: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(info), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new SelvageError('MALFORMED', 'x509: the public key of the certificate cannot be used', { cause });
  }
}
