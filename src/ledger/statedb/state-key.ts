/** Keys of the state in the key-value store, which it may share with others: they begin with `sv`. */
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A namespace never holds a zero byte, so its end cannot be taken for a key's beginning. */
export const statePrefix = (namespace: string): Uint8Array => utf8(`sv${namespace}\0`);
export const stateKey = (namespace: string, key: string): Uint8Array => utf8(`sv${namespace}\0${key}`);

/** Not a text decoder's work: that takes a byte order mark away. */
export const keyOfState = (stored: Uint8Array, prefix: Uint8Array): string =>
  Buffer.from(stored.buffer, stored.byteOffset + prefix.length, stored.byteLength - prefix.length).toString('utf8');
