/**
 * The items of several sources as one sequence, always the one first that comes first by `key`; of equal ones that of the earlier
 * source. Each source is in order itself.
 */
export async function* merged<T>(sources: readonly AsyncIterator<T>[], key: (item: T) => string): AsyncGenerator<T> {
  const heads: { readonly source: AsyncIterator<T>; readonly item: T }[] = [];
  const advance = async (source: AsyncIterator<T>, at: number): Promise<void> => {
    const { done, value } = await source.next();
    heads.splice(at, 1, ...(done === true ? [] : [{ source, item: value }]));
  };
  try {
    for (const source of sources) await advance(source, heads.length);
    for (let first = firstOf(heads, key); first !== undefined; first = firstOf(heads, key)) {
      yield first.head.item;
      await advance(first.head.source, first.at);
    }
  } finally {
    for (const source of sources) await source.return?.();
  }
}

function firstOf<H extends { readonly item: T }, T>(heads: readonly H[], key: (item: T) => string) {
  let first: { readonly head: H; readonly at: number } | undefined;
  for (const [at, head] of heads.entries()) if (first === undefined || key(head.item) < key(first.head.item)) first = { head, at };
  return first;
}
