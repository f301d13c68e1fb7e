import { inflateSync } from 'node:zlib';
import { deflate } from './deflate/deflate.ts';
import { Atom, asJson, decodeTerm, encodeTerm, type TermOrList, Tuple } from './erlang-external.ts';
import type { JsonValue } from './json-value.ts';
import { badRequest } from './refusal.ts';

/** Where a page ended: the key of the last row, an array for an index and the document's key for the scan of all. */
export interface Bookmark {
  readonly key: JsonValue;
  readonly document: JsonValue;
}

/** A bookmark may hold the values of a document's fields, and is sent back and forth; more than this is none. */
const MAX_BYTES = 8 * 1024 * 1024;
const VERSION = 0x83;
const COMPRESSED = 0x50;

/** CouchDB's bookmark in its bytes: chaincode often returns it, and endorsers have to agree on that. */
export function encodeBookmark({ key, document }: Bookmark): string {
  const term = encodeTerm([new Tuple(new Atom('startkey_docid'), document), new Tuple(new Atom('startkey'), key)]);
  const compressed = deflate(term);
  const bytes =
    compressed.length <= term.length - 5
      ? Buffer.concat([Uint8Array.of(VERSION, COMPRESSED), lengthOf(term), compressed])
      : Buffer.concat([Uint8Array.of(VERSION), term]);
  return bytes.toString('base64url');
}

/** @throws {SelvageError} CouchDB's `invalid_bookmark` */
export function decodeBookmark(text: string): Bookmark {
  try {
    const bytes = Buffer.from(text, 'base64url');
    if (bytes[0] !== VERSION) throw new Error('no Erlang term');
    const pairs = decodeTerm(bytes[1] === COMPRESSED ? inflated(bytes) : bytes.subarray(1));
    return { key: taggedValue(pairs, 'startkey'), document: taggedValue(pairs, 'startkey_docid') };
  } catch {
    throw badRequest('invalid_bookmark', `Invalid bookmark value: ${JSON.stringify(text)}`);
  }
}

function inflated(bytes: Buffer): Uint8Array {
  const length = bytes.readUInt32BE(2);
  if (length > MAX_BYTES) throw new Error('too long');
  const term = inflateSync(bytes.subarray(6), { maxOutputLength: length });
  if (term.length !== length) throw new Error('another length');
  return term;
}

function taggedValue(pairs: TermOrList, name: string): JsonValue {
  if (!Array.isArray(pairs)) throw new Error('no list');
  const pair = (pairs as readonly TermOrList[]).find((one): one is Tuple => {
    const [tag] = one instanceof Tuple ? one.items : [];
    return tag instanceof Atom && tag.name === name;
  });
  if (pair?.items.length !== 2) throw new Error(`no ${name}`);
  return asJson(pair.items[1] ?? null);
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return length;
}
