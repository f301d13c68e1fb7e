/**
 * Where things lie in the private data store. `pv`: a write set, by block and transaction. `ph`: the keys of those sets, by their
 * hashes. `pu`: purges to be done; `pp`: purges that were done. `pe`, `pd`, `pn`: sets that are missing, which are asked for soon, or now
 * and then, or may not be had; `pc`: the collections that sets of `pn` are of. Names of collections hold no zero byte, and a hash has 32
 * bytes.
 */
import { concatBytes } from '../../common/bytes.ts';
import { after } from '../kv/long-keys.ts';
import type { Version } from '../version.ts';

export interface CollectionName {
  readonly namespace: string;
  readonly collection: string;
}

/** The private writes of one transaction in one collection. */
export interface WriteSetName extends CollectionName {
  readonly blockNum: bigint;
  /** Of the transaction in its block. */
  readonly index: number;
}

/** Private values of a key that must vanish from everywhere, up to a version: the state keeps nothing of it any more. */
export interface PrivatePurge {
  readonly namespace: string;
  readonly collection: string;
  /** SHA-256 of the key. */
  readonly keyHash: Uint8Array;
  readonly version: Version;
}

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');

export const UNFINISHED = ascii('pu');
/** There once every set has its keys indexed. */
export const KEYED_BY_HASH = ascii('pi');

const nameBytes = ({ namespace, collection }: CollectionName): Uint8Array => Buffer.from(`${namespace}\0${collection}`, 'utf8');

const place = (blockNum: bigint, index: number): Uint8Array => {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(blockNum);
  bytes.writeUInt32BE(index, 8);
  return bytes;
};

const versionBytes = ({ blockNum, txNum }: Version): Uint8Array => place(blockNum, Number(txNum));

const inBlock = (kind: string, name: WriteSetName): Uint8Array =>
  concatBytes(ascii(kind), place(name.blockNum, name.index), nameBytes(name));

export const setKey = (name: WriteSetName): Uint8Array => inBlock('pv', name);

/** What the keys of all sets of a block begin with. */
export const setsOfBlock = (blockNum: bigint): Uint8Array => concatBytes(ascii('pv'), place(blockNum, 0).subarray(0, 8));

/**
 * Why a write set is not here: `eligible`, others can be asked for it; `deprioritized`, so too, but they had none when they were asked;
 * `ineligible`, this organisation was no member of the collection when its block came.
 */
export type Missing = 'eligible' | 'deprioritized' | 'ineligible';

const MISSING = { eligible: 'pe', deprioritized: 'pd', ineligible: 'pn' } as const;

export const missingKey = (name: WriteSetName, why: Missing): Uint8Array => inBlock(MISSING[why], name);

/** @param below only of blocks before this one */
export function missingRange(why: Missing, below?: bigint): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const prefix = ascii(MISSING[why]);
  return { gte: prefix, lt: below === undefined ? after(prefix) : concatBytes(prefix, place(below, 0).subarray(0, 8)) };
}

const CLOSED = ascii('pc');

export const closedCollections = { gte: CLOSED, lt: after(CLOSED) };
/** There once every set of `pn` has its collection in `pc`. */
export const CLOSED_INDEXED = ascii('pj');

export const closedKey = (name: CollectionName): Uint8Array => concatBytes(CLOSED, nameBytes(name));

export function collectionIn(bytes: Uint8Array): CollectionName {
  const [namespace = '', collection = ''] = Buffer.from(bytes.subarray(CLOSED.length)).toString('utf8').split('\0');
  return { namespace, collection };
}

/** The write set that a key of kind `pv`, `pe`, `pd` or `pn` is of. */
export function writeSetIn(bytes: Uint8Array): WriteSetName {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [namespace = '', collection = ''] = key.subarray(14).toString('utf8').split('\0');
  return { blockNum: key.readBigUInt64BE(2), index: key.readUInt32BE(10), namespace, collection };
}

export const indexPrefix = (name: CollectionName, hash: Uint8Array): Uint8Array =>
  concatBytes(ascii('ph'), nameBytes(name), ascii('\0'), hash);

export const indexKey = (name: WriteSetName, hash: Uint8Array): Uint8Array =>
  concatBytes(indexPrefix(name, hash), place(name.blockNum, name.index));

export const unfinishedKey = (purge: PrivatePurge): Uint8Array => purgeBytes('pu', purge);

export const purgeKey = (purge: PrivatePurge): Uint8Array => purgeBytes('pp', purge);

const purgeBytes = (kind: string, purge: PrivatePurge): Uint8Array =>
  concatBytes(ascii(kind), nameBytes(purge), ascii('\0'), purge.keyHash, versionBytes(purge.version));

/** What a key of kind `ph`, `pu` or `pp` says. */
export function hashIn(bytes: Uint8Array, from: number): PrivatePurge {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(from);
  const version = key.subarray(key.length - 12);
  const keyHash = new Uint8Array(key.subarray(key.length - 44, key.length - 12));
  const [namespace = '', collection = ''] = key
    .subarray(0, key.length - 45)
    .toString('utf8')
    .split('\0');
  return { namespace, collection, keyHash, version: { blockNum: version.readBigUInt64BE(), txNum: BigInt(version.readUInt32BE(8)) } };
}
