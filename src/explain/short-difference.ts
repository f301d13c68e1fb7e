import { type ResponseDifference, responseDifferences } from './response-differences.ts';
import { keyText, plain } from './shown.ts';

/** How many differences are named, and how many places in one value. */
const MOST_NAMED = 5;
const MOST_PATHS = 4;

/**
 * In what the second of two endorsers differs from the first, in a line that fits into an error: namespaces, keys and places in JSON
 * values; values are not told. '' where one of them cannot be read.
 * @param expected `ProposalResponsePayload` bytes, as `actual`
 */
export function shortDifference(expected: Uint8Array, actual: Uint8Array): string {
  try {
    const all = responseDifferences(expected, actual).map(shortText);
    const more = all.length > MOST_NAMED ? [`and ${all.length - MOST_NAMED} more`] : [];
    return [...all.slice(0, MOST_NAMED), ...more].join('; ');
  } catch {
    return '';
  }
}

function shortText(difference: ResponseDifference): string {
  const { before, after, paths } = difference;
  const what = partText(difference);
  if (after === undefined) return `${what} is not there`;
  if (before === undefined) return `${what} is there${after.kind === '' ? '' : ` (${after.kind})`}`;
  if (before.kind !== after.kind) return `${what} is ${after.kind}, not ${before.kind}`;
  const at = (paths ?? []).filter(({ path }) => path !== '').map(({ path }) => plain(path));
  if (at.length > 0) return `${what} differs at ${at.slice(0, MOST_PATHS).join(', ')}${at.length > MOST_PATHS ? ', …' : ''}`;
  return paths?.length === 0 ? `${what} is the same JSON in other bytes` : `${what} is another`;
}

/** `the write of "a" of basic`, `the result` */
export function partText({ part, namespace, name }: Pick<ResponseDifference, 'part' | 'namespace' | 'name'>): string {
  const of = namespace === '' ? '' : ` of ${plain(namespace)}`;
  if (part === 'collection') return `collection ${plain(name)}${of}`;
  if (part === 'range query') return `range query ${plain(name)}${of}`;
  if (part === 'read' || part === 'write' || part === 'metadata') return `the ${part} of ${keyText(name)}${of}`;
  return name === '' ? `the ${part}` : `the ${part} ${plain(name)}`;
}
