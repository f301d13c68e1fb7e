import { compareBytes, equalBytes, textOf } from '../../common/bytes.ts';
import type { KvEntry, KvRange, KvSnapshot } from '../kv/kv-store.ts';

/** One entry that is not what follows from the blocks. */
export interface Difference {
  /** What of the ledger is wrong: `the state`, `the history`, … */
  readonly of: string;
  /** Which entry, without its value. */
  readonly entry: string;
  readonly is: 'missing' | 'altered' | 'unknown to the blocks';
}

/** The entries of a range in which a store differs from the one made of the blocks, at most `limit`. @throws {SelvageError} `LEDGER_CORRUPT` */
export async function differences(
  { found, made }: { readonly found: KvSnapshot; readonly made: KvSnapshot },
  { range, limit }: { readonly range: KvRange; readonly limit: number },
): Promise<Difference[]> {
  using left = found.range(range);
  using right = made.range(range);
  const differing: Difference[] = [];
  let [a, b] = [await left.next(), await right.next()];
  while ((a !== undefined || b !== undefined) && differing.length < limit) {
    const order = compared(a, b);
    if (order > 0 && b !== undefined) differing.push({ ...described(b.key), is: 'missing' });
    if (order < 0 && a !== undefined) differing.push({ ...described(a.key), is: 'unknown to the blocks' });
    if (order === 0 && a !== undefined && b !== undefined && !equalBytes(a.value, b.value))
      differing.push({ ...described(a.key), is: 'altered' });
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
  return differing;
}

/** What has ended comes last. */
function compared(a: KvEntry | undefined, b: KvEntry | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  return compareBytes(a.key, b.key);
}

/** Keys as block index, state, history and schedule make them. */
function described(key: Uint8Array): Pick<Difference, 'of' | 'entry'> {
  const text = textOf(key);
  const [namespace = '', ...rest] = text.slice(2).split('\0');
  if (text.startsWith('sv') && namespace.includes('$$h'))
    return { of: 'the hashes of private data', entry: `a key in ${namespace.replace('$$h', '/')}` };
  if (text.startsWith('sv') && namespace.includes('$$p'))
    return { of: 'the private data', entry: `a key in ${namespace.replace('$$p', '/')}` };
  if (text.startsWith('sv'))
    return { of: 'the state', entry: `${JSON.stringify(rest.join('\0'))} of ${namespace === '' ? 'the channel' : namespace}` };
  if (text.startsWith('h')) return { of: 'the history', entry: `a write in ${text.slice(1).split('\0')[0]}` };
  if (text.startsWith('b'))
    return { of: 'the index of the blocks', entry: text.startsWith('bt') ? `transaction ${text.slice(2)}` : 'a block' };
  return { of: 'the bookkeeping', entry: `an entry under ${JSON.stringify(text.slice(0, 2))}` };
}
