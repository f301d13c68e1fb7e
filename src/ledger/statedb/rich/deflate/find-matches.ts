/** A byte as it is (`distance` 0), or `length` bytes again from `distance` bytes before. */
export interface Piece {
  readonly distance: number;
  readonly value: number;
}

const MIN_MATCH = 3;
const MAX_MATCH = 258;
const MAX_DISTANCE = 32_768 - (MAX_MATCH + MIN_MATCH + 1);
/** The shortest matches are not worth a far distance. */
const TOO_FAR = 4096;
/** What zlib does at level 6. */
const LEVEL = { good: 8, lazy: 16, nice: 128, chain: 128 };
const HASH_BITS = 15;
const HASH_SHIFT = 5;
const HASH_MASK = (1 << HASH_BITS) - 1;

/**
 * The matches that zlib finds at level 6, with the bytes between: a match is taken only if the next byte does not begin a longer one.
 * @see deflate_slow and longest_match in zlib's deflate.c
 */
export function findMatches(bytes: Uint8Array): Piece[] {
  const symbols: Piece[] = [];
  const chains = new Chains(bytes);
  let previous = { length: MIN_MATCH - 1, start: 0 };
  let waiting = false;
  let at = 0;
  while (at < bytes.length) {
    const head = at + MIN_MATCH <= bytes.length ? chains.insert(at) : 0;
    let match = { length: MIN_MATCH - 1, start: 0 };
    if (head !== 0 && previous.length < LEVEL.lazy && at - head <= MAX_DISTANCE) {
      match = chains.longest(at, head, previous.length);
      if (match.length === MIN_MATCH && at - match.start > TOO_FAR) match = { ...match, length: MIN_MATCH - 1 };
    }
    if (previous.length >= MIN_MATCH && match.length <= previous.length) {
      symbols.push({ distance: at - 1 - previous.start, value: previous.length });
      const end = at - 1 + previous.length;
      for (at += 1; at < end; at += 1) if (at + MIN_MATCH <= bytes.length) chains.insert(at);
      waiting = false;
      previous = { length: MIN_MATCH - 1, start: 0 };
      continue;
    }
    if (waiting) symbols.push({ distance: 0, value: bytes[at - 1] ?? 0 });
    waiting = true;
    previous = match;
    at += 1;
  }
  if (waiting) symbols.push({ distance: 0, value: bytes[at - 1] ?? 0 });
  return symbols;
}

/** Where bytes with one hash have been before. 0 is none, as in zlib, which so never finds anything at the very beginning. */
class Chains {
  readonly #bytes: Uint8Array;
  readonly #head = new Int32Array(1 << HASH_BITS);
  readonly #previous: Int32Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#previous = new Int32Array(bytes.length);
  }

  /** The place before with the same hash. */
  insert(at: number): number {
    const [a = 0, b = 0, c = 0] = [this.#bytes[at], this.#bytes[at + 1], this.#bytes[at + 2]];
    const hash = ((a << (2 * HASH_SHIFT)) ^ (b << HASH_SHIFT) ^ c) & HASH_MASK;
    const before = this.#head[hash] ?? 0;
    this.#previous[at] = before;
    this.#head[hash] = at;
    return before;
  }

  longest(at: number, head: number, previousLength: number): { readonly length: number; readonly start: number } {
    const lookahead = this.#bytes.length - at;
    const nice = Math.min(LEVEL.nice, lookahead);
    const farthest = at > MAX_DISTANCE ? at - MAX_DISTANCE : 0;
    let best = { length: previousLength, start: 0 };
    let chain = previousLength >= LEVEL.good ? LEVEL.chain >> 2 : LEVEL.chain;
    for (let place = head; place > farthest && chain > 0; chain -= 1) {
      const length = this.#common(place, at);
      if (length > best.length) {
        best = { length, start: place };
        if (length >= nice) break;
      }
      place = this.#previous[place] ?? 0;
    }
    return { ...best, length: Math.min(best.length, lookahead) };
  }

  #common(one: number, other: number): number {
    const most = Math.min(MAX_MATCH, this.#bytes.length - other);
    let length = 0;
    while (length < most && this.#bytes[one + length] === this.#bytes[other + length]) length += 1;
    return length;
  }
}
