import { compareUtf8 } from '../../common/bytes.ts';

/** A value that Go's `encoding/json` can print; bytes become base64, undefined fields are left out. */
export type GoValue = string | number | bigint | boolean | null | Uint8Array | readonly GoValue[] | GoObject;

/** Printed in the order of its keys. */
export interface GoObject {
  readonly [key: string]: GoValue | undefined;
}

/** As `json.MarshalIndent(value, "", "\t")` prints it: scripts compare and grep such output. */
export function goJson(value: GoValue, indent = ''): string {
  if (typeof value === 'string') return goString(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  const inner = `${indent}\t`;
  if (isList(value))
    return wrapped(
      '[]',
      indent,
      value.map((each) => goJson(each, inner)),
    );
  const fields = Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [`${goString(key)}: ${goJson(each, inner)}`]));
  return wrapped('{}', indent, fields);
}

/** Fields with `omitempty`: what is '', 0, false or without elements is left out. Messages stay, however empty they are. */
export const withoutEmpty = (fields: GoObject): GoObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));

/** A map, in the order of its keys; undefined when it holds nothing. */
export function goMap<T>(map: ReadonlyMap<string, T>, printed: (value: T) => GoValue): GoObject | undefined {
  if (map.size === 0) return undefined;
  return Object.fromEntries([...map].sort(([a], [b]) => compareUtf8(a, b)).map(([key, value]) => [key, printed(value)]));
}

const isList = (value: readonly GoValue[] | GoObject): value is readonly GoValue[] => Array.isArray(value);

const isEmpty = (value: GoValue | undefined): boolean =>
  !value || ((Array.isArray(value) || value instanceof Uint8Array) && value.length === 0);

const wrapped = ([open, close]: string, indent: string, parts: readonly string[]): string =>
  parts.length === 0 ? `${open}${close}` : `${open}\n${parts.map((part) => `${indent}\t${part}`).join(',\n')}\n${indent}${close}`;

/** Go escapes what could end a script in a page. */
const goString = (text: string): string =>
  JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
