import { hex } from '../../common/bytes.ts';
import type { Certificate } from './certificate.ts';
import { AUTHORITY_KEY_ID, authorityKeyIdOf, eachExtension } from './certificate-extensions.ts';
import { bitStringOf, DerReader, TAG } from './der.ts';
import { firstPemBlock } from './pem.ts';
import { isSignedBy } from './x509-signature.ts';

/** A CRL: which serial numbers an authority took back. Dates in it are not looked at, as Fabric does not. */
export class RevocationList {
  /** Undefined when the list names no authority key: then it concerns nobody. */
  readonly authorityKeyId: Uint8Array | undefined;
  readonly #serials: ReadonlySet<string>;
  readonly #signed: { readonly tbs: Uint8Array; readonly algorithm: Uint8Array; readonly signature: Uint8Array };

  /** @param bytes PEM or DER @throws {SelvageError} `MALFORMED` */
  constructor(bytes: Uint8Array) {
    const list = new DerReader(firstPemBlock(bytes)?.der ?? new Uint8Array(bytes)).enter(TAG.SEQUENCE);
    const tbs = list.expect(TAG.SEQUENCE);
    this.#signed = { tbs: tbs.raw, algorithm: list.expect(TAG.SEQUENCE).raw, signature: bitStringOf(list.expect(TAG.BIT_STRING).content) };
    const body = new DerReader(tbs.content);
    body.optional(TAG.INTEGER);
    body.expect(TAG.SEQUENCE); // algorithm
    body.expect(TAG.SEQUENCE); // issuer
    body.next(); // this update
    if (body.optional(TAG.UTC_TIME) === undefined) body.optional(TAG.GENERALIZED_TIME);
    this.#serials = serialsOf(body.optional(TAG.SEQUENCE)?.content);
    this.authorityKeyId = authorityOf(body.optional(0xa0)?.content);
  }

  lists(certificate: Certificate): boolean {
    return this.#serials.has(certificate.serial);
  }

  /** Whether the issuer's key signed this list; like Go's CheckCRLSignature it does not ask for the cRLSign usage. */
  isSignedWith(issuer: Certificate): boolean {
    return isSignedBy(this.#signed, issuer.publicKey);
  }
}

function serialsOf(entries: Uint8Array | undefined): ReadonlySet<string> {
  const serials = new Set<string>();
  if (entries === undefined) return serials;
  const reader = new DerReader(entries);
  while (!reader.done) serials.add(hex(reader.enter(TAG.SEQUENCE).expect(TAG.INTEGER).content));
  return serials;
}

function authorityOf(extensions: Uint8Array | undefined): Uint8Array | undefined {
  if (extensions === undefined) return undefined;
  for (const { id, value } of eachExtension(extensions)) if (id === AUTHORITY_KEY_ID) return authorityKeyIdOf(value);
  return undefined;
}
