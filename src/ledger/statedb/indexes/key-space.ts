/** Where indexes lie in the key-value store: all keys begin with `q`. A row's key is the sort key of its columns, then the document's. */
import { concatBytes } from '../../../common/bytes.ts';
import { after } from '../../kv/long-keys.ts';

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** Definitions of one namespace. */
export const definitionsKey = (namespace: string): Uint8Array => utf8(`qd${namespace}`);
/** The number that the next index gets; none is used twice. */
export const NEXT_NUMBER: Uint8Array = utf8('qn');
/** Numbers of indexes whose rows nobody wants any more. */
export const DROPPED: Uint8Array = utf8('qg');
export const droppedKey = (number: number): Uint8Array => concatBytes(DROPPED, fourBytes(number));
export const numberOfDropped = (key: Uint8Array): number => viewOf(key).getUint32(DROPPED.length);
export const everyDefinition: { readonly gte: Uint8Array; readonly lt: Uint8Array } = { gte: utf8('qd'), lt: after(utf8('qd')) };
export const namespaceOf = (key: Uint8Array): string => Buffer.from(key.subarray(2)).toString('utf8');

/** Rows with a sort key lie in their order; those without one are put in order when they are read. */
export type RowKind = 'ordered' | 'unordered';

const KINDS = { ordered: utf8('qr'), unordered: utf8('qx') } as const;

export const rowsPrefix = (number: number, kind: RowKind): Uint8Array => concatBytes(KINDS[kind], fourBytes(number));

/** @param columns the sort key, undefined where there is none */
export function rowKey(number: number, columns: string | undefined, document: string): Uint8Array {
  const prefix = rowsPrefix(number, columns === undefined ? 'unordered' : 'ordered');
  return concatBytes(prefix, Buffer.from(columns ?? '', 'latin1'), utf8(document));
}

/** How many bytes of the key are the document's. */
export const rowValue = (document: string): Uint8Array => fourBytes(Buffer.byteLength(document));

export function documentOf(key: Uint8Array, value: Uint8Array): string {
  const length = viewOf(value).getUint32(0);
  return Buffer.from(key.buffer, key.byteOffset + key.length - length, length).toString('utf8');
}

function fourBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return bytes;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
