import { isUtf8 } from 'node:buffer';

/** A value of the ledger as the JSON that it is; undefined where it is none. */
export function jsonOf(bytes: Uint8Array): { readonly json: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  try {
    return { json: JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) };
  } catch {
    return undefined;
  }
}

/** A place in a JSON value where two differ; undefined stands for what is not there. */
export interface PathDifference {
  /** Such as `owner.name` or `tags[2]`; '' for the whole value. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Deeper than this, values are compared as a whole. */
const DEEPEST = 40;

/** Where two JSON values differ, as deep as both are objects or arrays, in the order of the first. */
export function* pathDifferences(before: unknown, after: unknown, path = '', depth = 0): Generator<PathDifference> {
  if (Object.is(before, after)) return;
  const both = isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after) && depth < DEEPEST;
  if (!both) {
    if (!isContainer(before) || !isContainer(after) || JSON.stringify(before) !== JSON.stringify(after)) yield { path, before, after };
    return;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const step = Array.isArray(before) ? `[${name}]` : path === '' ? fieldName(name) : `.${fieldName(name)}`;
    yield* pathDifferences(ownField(before, name), ownField(after, name), `${path}${step}`, depth + 1);
  }
}

const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

const ownField = (value: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;

const fieldName = (name: string): string => (/^[\w$-]+$/.test(name) ? name : JSON.stringify(name));
