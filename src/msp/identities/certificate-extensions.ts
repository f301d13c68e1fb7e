import { SelvageError } from '../../common/errors.ts';
import { booleanOf, type DerElement, DerReader, integerOf, oidOf, TAG } from './der.ts';

/** What the extensions of a certificate say, as far as chain rules ask. */
export interface Extensions {
  /** Basic constraints are present and say CA. */
  readonly isCa: boolean;
  /** Most CA certificates between this one and a leaf; undefined when not limited. */
  readonly maxPathLength: number | undefined;
  /** First byte of the key usage bits, or undefined when the extension is absent. */
  readonly keyUsage: number | undefined;
  /** OIDs of the extended key usages; empty when there are none. */
  readonly extendedKeyUsages: readonly string[];
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  readonly hasNameConstraints: boolean;
  /** Critical extensions that the chain rules do not know. */
  readonly unhandledCritical: readonly string[];
}

export const noExtensions: Extensions = {
  isCa: false,
  maxPathLength: undefined,
  keyUsage: undefined,
  extendedKeyUsages: [],
  subjectKeyId: undefined,
  authorityKeyId: undefined,
  hasNameConstraints: false,
  unhandledCritical: [],
};

/** keyCertSign in the first byte of the key usage bits. */
export const KEY_CERT_SIGN = 0x04;

const ID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
} as const;

const HANDLED: ReadonlySet<string> = new Set(Object.values(ID));

/** Each extension's OID, whether it is critical, and its value; also those of a revocation list. */
export function* eachExtension(sequence: Uint8Array): Generator<{ id: string; critical: boolean; value: Uint8Array }> {
  const extensions = new DerReader(sequence).enter(TAG.SEQUENCE);
  while (!extensions.done) {
    const extension = extensions.enter(TAG.SEQUENCE);
    const id = oidOf(extension.expect(TAG.OID).content);
    const critical = isTrue(extension.optional(TAG.BOOLEAN));
    yield { id, critical, value: extension.expect(TAG.OCTET_STRING).content };
  }
}

/** An absent BOOLEAN is false. */
const isTrue = (element: DerElement | undefined): boolean => element !== undefined && booleanOf(element.content);

/** @param sequence content of the explicit tag 3 of a certificate @throws {SelvageError} `MALFORMED` */
export function readExtensions(sequence: Uint8Array): Extensions {
  const values = new Map<string, Uint8Array>();
  const unhandledCritical: string[] = [];
  for (const { id, critical, value } of eachExtension(sequence)) {
    if (values.has(id)) throw new SelvageError('MALFORMED', 'x509: certificate contains duplicate extensions');
    values.set(id, value);
    if (critical && !HANDLED.has(id)) unhandledCritical.push(id);
  }
  return {
    ...basicConstraintsOf(values.get(ID.basicConstraints)),
    keyUsage: keyUsageOf(values.get(ID.keyUsage)),
    extendedKeyUsages: extendedKeyUsagesOf(values.get(ID.extendedKeyUsage)),
    subjectKeyId: subjectKeyIdOf(values.get(ID.subjectKeyId)),
    authorityKeyId: authorityKeyIdOf(values.get(ID.authorityKeyId)),
    hasNameConstraints: values.has(ID.nameConstraints),
    unhandledCritical,
  };
}

function basicConstraintsOf(value: Uint8Array | undefined): Pick<Extensions, 'isCa' | 'maxPathLength'> {
  if (value === undefined) return noExtensions;
  const constraints = new DerReader(value).enter(TAG.SEQUENCE);
  const isCa = isTrue(constraints.optional(TAG.BOOLEAN));
  const limit = constraints.optional(TAG.INTEGER);
  return { isCa, maxPathLength: limit === undefined ? undefined : Number(integerOf(limit.content)) };
}

function keyUsageOf(value: Uint8Array | undefined): number | undefined {
  return value === undefined ? undefined : (new DerReader(value).expect(TAG.BIT_STRING).content[1] ?? 0);
}

function extendedKeyUsagesOf(value: Uint8Array | undefined): string[] {
  if (value === undefined) return [];
  const usages = new DerReader(value).enter(TAG.SEQUENCE);
  const ids: string[] = [];
  while (!usages.done) ids.push(oidOf(usages.expect(TAG.OID).content));
  return ids;
}

const subjectKeyIdOf = (value: Uint8Array | undefined): Uint8Array | undefined =>
  value === undefined ? undefined : new DerReader(value).expect(TAG.OCTET_STRING).content;

/** The key identifier in an AuthorityKeyIdentifier, of a certificate or of a revocation list. */
export const authorityKeyIdOf = (value: Uint8Array | undefined): Uint8Array | undefined =>
  value === undefined ? undefined : new DerReader(value).enter(TAG.SEQUENCE).optional(0x80)?.content;

export const AUTHORITY_KEY_ID = ID.authorityKeyId;
