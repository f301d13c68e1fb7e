/** A prefix code: for each symbol its bits, ready to be written, and how many they are; 0 for a symbol that does not occur. */
export interface PrefixCode {
  readonly codes: readonly number[];
  readonly lengths: readonly number[];
  /** The greatest symbol that occurs. */
  readonly last: number;
}

/**
 * The code that zlib makes for symbols that occur so often. Which of several best codes it is matters: the bytes have to be zlib's.
 * @see build_tree, gen_bitlen in zlib's trees.c
 */
export function buildCode(frequencies: readonly number[], maxLength: number): PrefixCode {
  const { lengths, last } = lengthsOf(frequencies, maxLength);
  return { codes: codesOf(lengths, maxLength), lengths, last };
}

/** A node of the heap: symbols first, then the inner nodes as they are made. */
interface Forest {
  readonly frequency: number[];
  readonly depth: number[];
  readonly parent: number[];
}

function lengthsOf(frequencies: readonly number[], maxLength: number): { readonly lengths: readonly number[]; readonly last: number } {
  const count = frequencies.length;
  const forest: Forest = { frequency: [...frequencies], depth: new Array<number>(count).fill(0), parent: [] };
  const heap = [0]; // counted from 1
  let last = -1;
  for (const [symbol, frequency] of frequencies.entries()) {
    if (frequency === 0) continue;
    heap.push(symbol);
    last = symbol;
  }
  // A code has at least two symbols.
  while (heap.length < 3) {
    const symbol = last < 2 ? last + 1 : 0;
    if (last < 2) last += 1;
    heap.push(symbol);
    forest.frequency[symbol] = 1;
  }
  const order = merged(heap, forest, count);
  return { lengths: limited(order, forest, count, maxLength), last };
}

/** Joins the two rarest trees until there is one; the nodes in the order in which they were taken, the last one first. */
function merged(heap: number[], forest: Forest, symbols: number): readonly number[] {
  const taken: number[] = [];
  let length = heap.length - 1;
  const sift = (from: number): void => siftDown(heap, length, from, forest);
  for (let at = length >> 1; at >= 1; at -= 1) sift(at);
  let node = symbols;
  do {
    const rarest = heap[1] ?? 0;
    heap[1] = heap[length] ?? 0;
    length -= 1;
    sift(1);
    const next = heap[1] ?? 0;
    taken.push(rarest, next);
    forest.frequency[node] = (forest.frequency[rarest] ?? 0) + (forest.frequency[next] ?? 0);
    forest.depth[node] = Math.max(forest.depth[rarest] ?? 0, forest.depth[next] ?? 0) + 1;
    forest.parent[rarest] = node;
    forest.parent[next] = node;
    heap[1] = node;
    node += 1;
    sift(1);
  } while (length >= 2);
  taken.push(heap[1] ?? 0);
  return taken.reverse();
}

function siftDown(heap: number[], length: number, from: number, forest: Forest): void {
  const moved = heap[from] ?? 0;
  let at = from;
  for (let child = at * 2; child <= length; child = at * 2) {
    if (child < length && isSmaller(heap[child + 1] ?? 0, heap[child] ?? 0, forest)) child += 1;
    if (isSmaller(moved, heap[child] ?? 0, forest)) break;
    heap[at] = heap[child] ?? 0;
    at = child;
  }
  heap[at] = moved;
}

function isSmaller(a: number, b: number, { frequency, depth }: Forest): boolean {
  const one = frequency[a] ?? 0;
  const other = frequency[b] ?? 0;
  return one < other || (one === other && (depth[a] ?? 0) <= (depth[b] ?? 0));
}

/** Lengths by the depth of the nodes, none longer than allowed. */
function limited(order: readonly number[], { parent, frequency }: Forest, symbols: number, maxLength: number): readonly number[] {
  const lengths = new Array<number>(frequency.length).fill(0);
  const counts = new Array<number>(maxLength + 1).fill(0);
  let overflow = 0;
  for (const node of order.slice(1)) {
    const deep = (lengths[parent[node] ?? 0] ?? 0) + 1;
    if (deep > maxLength) overflow += 1;
    const length = Math.min(deep, maxLength);
    lengths[node] = length;
    if (node < symbols) counts[length] = (counts[length] ?? 0) + 1;
  }
  if (overflow > 0) redistribute(order, counts, lengths, symbols, overflow, maxLength);
  return lengths.slice(0, symbols);
}

function redistribute(
  order: readonly number[],
  counts: number[],
  lengths: number[],
  symbols: number,
  overflow: number,
  maxLength: number,
): void {
  for (let left = overflow; left > 0; left -= 2) {
    let bits = maxLength - 1;
    while (counts[bits] === 0) bits -= 1;
    counts[bits] = (counts[bits] ?? 0) - 1;
    counts[bits + 1] = (counts[bits + 1] ?? 0) + 2;
    counts[maxLength] = (counts[maxLength] ?? 0) - 1;
  }
  let at = order.length;
  for (let bits = maxLength; bits > 0; bits -= 1) {
    for (let left = counts[bits] ?? 0; left > 0; ) {
      at -= 1;
      const node = order[at] ?? 0;
      if (node >= symbols) continue;
      lengths[node] = bits;
      left -= 1;
    }
  }
}

/** Codes of one length go up with their symbols; written from their highest bit. */
export function codesOf(lengths: readonly number[], maxLength: number): readonly number[] {
  const next = new Array<number>(maxLength + 2).fill(0);
  for (const length of lengths) if (length > 0) next[length + 1] = (next[length + 1] ?? 0) + 1;
  let code = 0;
  for (let length = 1; length <= maxLength; length += 1) {
    code = (code + (next[length] ?? 0)) << 1;
    next[length] = code;
  }
  return lengths.map((length) => {
    if (length === 0) return 0;
    const own = next[length] ?? 0;
    next[length] = own + 1;
    return reversed(own, length);
  });
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit += 1) result |= ((code >> bit) & 1) << (length - 1 - bit);
  return result;
}
