import { sha256, utf8 } from '../../common/bytes.ts';

/** Where the plain private values of a collection live in the state. */
export const privateNamespace = (namespace: string, collection: string): string => `${namespace}$$p${collection}`;

/** Where the hashes of a collection live in the state; its keys are {@link stateKeyOfHash}. */
export const hashedNamespace = (namespace: string, collection: string): string => `${namespace}$$h${collection}`;

/** SHA-256 of the key's UTF-8 bytes: its name in hashed read-write sets. */
export const keyHash = (key: string): Uint8Array => sha256(utf8(key));

/** A key hash as a state key: one character per byte, so that text order is byte order. */
export const stateKeyOfHash = (hash: Uint8Array): string => Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('latin1');

/** The inverse of {@link stateKeyOfHash}. */
export const hashOfStateKey = (key: string): Uint8Array => new Uint8Array(Buffer.from(key, 'latin1'));
