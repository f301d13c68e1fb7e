import { isUtf8 } from 'node:buffer';

/** Nesting of a value that is compared: what prints or copies JSON calls itself at each level. */
const MOST_NESTED = 1_000;

/** A value of the ledger as the JSON that it is; undefined where it is none, or is nested as deep as only who means ill does it. */
export function jsonOf(bytes: Uint8Array): { readonly json: unknown } | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  try {
    const json: unknown = JSON.parse(text);
    return text.length > 2 * MOST_NESTED && depthOf(text) > MOST_NESTED ? undefined : { json };
  } catch {
    return undefined;
  }
}

/** How deep JSON is nested. */
function depthOf(json: string): number {
  let [depth, deepest] = [0, 0];
  for (const [token] of json.matchAll(/"(?:[^"\\]+|\\.)*"|[[\]{}]/g)) {
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
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
