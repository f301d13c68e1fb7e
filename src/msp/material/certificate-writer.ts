/** X.509 certificates as cryptogen makes them, in DER: no more than Fabric's material needs. */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import { concatBytes } from '../../common/bytes.ts';
import { der, derInteger, TAG } from '../identities/der.ts';
import { curveOrder, toLowS } from '../identities/ecdsa.ts';

/** One relative name after the other; a list of pairs, because order counts. */
export type Name = readonly (readonly [type: keyof typeof NAME_TYPES, value: string])[];

/** Bits of the key usage extension, the first one leftmost. */
export const USAGE = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const;

export interface CertificateSpec {
  readonly subject: Name;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: KeyObject;
  /** The issuer's key, ECDSA. */
  readonly signingKey: KeyObject;
  /** In their order; see the functions below. */
  readonly extensions: readonly Uint8Array[];
}

/**
 * The DER of a certificate. Its signature has a low S: Fabric rewrites a certificate with a high S before it compares or
 * hashes it, so with a low one the file is the identity, byte for byte.
 */
export function writeCertificate(spec: CertificateSpec): Uint8Array {
  const tbs = sequence(
    der(CONTEXT | 0, derInteger(2n)), // version 3
    derInteger(BigInt(`0x${randomBytes(16).toString('hex')}`)),
    ECDSA_WITH_SHA256,
    nameBytes(spec.issuer),
    sequence(time(spec.notBefore), time(spec.notAfter)),
    nameBytes(spec.subject),
    new Uint8Array(spec.publicKey.export({ type: 'spki', format: 'der' })),
    der(CONTEXT | 3, sequence(...spec.extensions)),
  );
  const signature = toLowS(new Uint8Array(sign('sha256', tbs, spec.signingKey)), curveOrder(spec.signingKey) ?? 0n);
  return sequence(tbs, ECDSA_WITH_SHA256, bitString(signature));
}

/** @param usages bits of {@link USAGE}, or-ed */
export function keyUsage(usages: number): Uint8Array {
  const unused = 31 - Math.clz32(usages & -usages); // zeros at the end are not written
  return extension('2.5.29.15', der(TAG.BIT_STRING, new Uint8Array([unused, usages])), true);
}

export const serverAndClient = (): Uint8Array => extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2')));

export const basicConstraints = (ca: boolean): Uint8Array =>
  extension('2.5.29.19', sequence(...(ca ? [der(TAG.BOOLEAN, new Uint8Array([0xff]))] : [])), true);

export const subjectKeyIdentifier = (id: Uint8Array): Uint8Array => extension('2.5.29.14', der(TAG.OCTET_STRING, id));

export const authorityKeyIdentifier = (id: Uint8Array): Uint8Array => extension('2.5.29.35', sequence(der(IMPLICIT | 0, id)));

/** @param hosts host names and IP addresses */
export const alternativeNames = (hosts: readonly string[]): Uint8Array =>
  extension(
    '2.5.29.17',
    sequence(...hosts.map((host) => (isIp(host) ? der(IMPLICIT | 7, ipBytes(host)) : der(IMPLICIT | 2, Buffer.from(host))))),
  );

const CONTEXT = 0xa0; // constructed
const IMPLICIT = 0x80;
const UTF8_STRING = 0x0c;
const PRINTABLE_STRING = 0x13;
const NAME_TYPES = { C: '2.5.4.6', ST: '2.5.4.8', L: '2.5.4.7', O: '2.5.4.10', OU: '2.5.4.11', CN: '2.5.4.3' } as const;

const sequence = (...contents: readonly Uint8Array[]): Uint8Array => der(TAG.SEQUENCE, ...contents);
const bitString = (bytes: Uint8Array): Uint8Array => der(TAG.BIT_STRING, new Uint8Array([0]), bytes);

function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  const flag = critical ? [der(TAG.BOOLEAN, new Uint8Array([0xff]))] : [];
  return sequence(oid(id), ...flag, der(TAG.OCTET_STRING, value));
}

const nameBytes = (name: Name): Uint8Array =>
  sequence(...name.map(([type, value]) => der(TAG.SET, sequence(oid(NAME_TYPES[type]), text(value)))));

/** As Go's encoding/asn1: the plainest type that can hold it. */
const text = (value: string): Uint8Array =>
  der(/^[\w '()+,\-./:=?]*$/.test(value) && !value.includes('_') ? PRINTABLE_STRING : UTF8_STRING, Buffer.from(value));

/** UTCTime has two digits for the year and is used until 2049. */
function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`;
  return date.getUTCFullYear() < 2050 ? der(TAG.UTC_TIME, Buffer.from(digits.slice(2))) : der(TAG.GENERALIZED_TIME, Buffer.from(digits));
}

function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(TAG.OID, new Uint8Array([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f];
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift(0x80 | (left & 0x7f));
  return bytes;
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

const isIp = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');

/** 4 bytes, or 16 with `::` filled up. */
function ipBytes(address: string): Uint8Array {
  if (!address.includes(':')) return new Uint8Array(address.split('.').map(Number));
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [head = '', tail = ''] = address.split('::');
  const filling = 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: filling }, () => '0'), ...groups(tail)];
  return concatBytes(...all.map((group) => new Uint8Array([Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])));
}
