import { BitWriter } from './bit-writer.ts';
import { findMatches, type Piece } from './find-matches.ts';
import { buildCode, codesOf, type PrefixCode } from './huffman-tree.ts';

/** Symbols of one block at most, in zlib with its usual memory. */
const SYMBOLS_IN_A_BLOCK = 16_383;
const END_OF_BLOCK = 256;

/**
 * Compresses as zlib itself does at level 6, header and checksum included. Node's own zlib is another implementation with other bytes,
 * and chaincode may return bookmarks in its response, on which endorsers have to agree.
 */
export function deflate(bytes: Uint8Array): Uint8Array {
  const out = new BitWriter([0x78, 0x9c]);
  const symbols = findMatches(bytes);
  let from = 0;
  let at = 0;
  do {
    const block = symbols.slice(at, at + SYMBOLS_IN_A_BLOCK);
    at += block.length;
    const length = block.reduce((sum, { distance, value }) => sum + (distance === 0 ? 1 : value), 0);
    // A block that is just full is ended before zlib knows whether anything follows.
    const isLast = at >= symbols.length && block.length < SYMBOLS_IN_A_BLOCK;
    writeBlock(out, block, bytes.subarray(from, from + length), isLast);
    from += length;
    if (isLast) break;
  } while (at <= symbols.length);
  out.align();
  const sum = adler32(bytes);
  out.putBytes([sum >>> 24, (sum >>> 16) & 0xff, (sum >>> 8) & 0xff, sum & 0xff]);
  return out.bytes;
}

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  return ((b << 16) | a) >>> 0;
}

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const basesOf = (extra: readonly number[]): readonly number[] => {
  let base = 0;
  return extra.map((bits) => {
    base += 1 << bits;
    return base - (1 << bits);
  });
};
/** Of lengths from 3, and of distances from 1. 258 bytes have a code of their own. */
const LENGTH_BASES = [...basesOf(LENGTH_EXTRA.slice(0, 28)), 255];
const DISTANCE_BASES = basesOf(DISTANCE_EXTRA);
const codeFor = (bases: readonly number[], value: number): number => bases.findLastIndex((base) => base <= value);

const FIXED_LENGTHS = Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8));
const FIXED_LITERALS: PrefixCode = { lengths: FIXED_LENGTHS, codes: codesOf(FIXED_LENGTHS, 15), last: 287 };
const FIXED_DISTANCE_LENGTHS = new Array<number>(30).fill(5);
const FIXED_DISTANCES: PrefixCode = { lengths: FIXED_DISTANCE_LENGTHS, codes: codesOf(FIXED_DISTANCE_LENGTHS, 15), last: 29 };

/** Stored, with the fixed codes or with codes of its own: whichever is the shortest. */
function writeBlock(out: BitWriter, symbols: readonly Piece[], bytes: Uint8Array, isLast: boolean): void {
  const literals = new Array<number>(286).fill(0);
  const distances = new Array<number>(30).fill(0);
  literals[END_OF_BLOCK] = 1;
  for (const { distance, value } of symbols) {
    if (distance === 0) literals[value] = (literals[value] ?? 0) + 1;
    else {
      const length = 257 + codeFor(LENGTH_BASES, value - 3);
      const far = codeFor(DISTANCE_BASES, distance - 1);
      literals[length] = (literals[length] ?? 0) + 1;
      distances[far] = (distances[far] ?? 0) + 1;
    }
  }
  const literalCode = buildCode(literals, 15);
  const distanceCode = buildCode(distances, 15);
  const head = describe(literalCode, distanceCode);
  const own = (bitsOf(literals, distances, literalCode, distanceCode) + head.bits + 3 + 7) >> 3;
  const fixed = (bitsOf(literals, distances, FIXED_LITERALS, FIXED_DISTANCES) + 3 + 7) >> 3;
  const best = Math.min(own, fixed);
  const last = isLast ? 1 : 0;
  if (bytes.length + 4 <= best) {
    out.put(last, 3);
    out.align();
    out.putBytes([bytes.length & 0xff, bytes.length >> 8, ~bytes.length & 0xff, (~bytes.length >> 8) & 0xff]);
    out.putBytes(bytes);
  } else if (fixed === best) {
    out.put(2 + last, 3);
    writeSymbols(out, symbols, FIXED_LITERALS, FIXED_DISTANCES);
  } else {
    out.put(4 + last, 3);
    head.write(out);
    writeSymbols(out, symbols, literalCode, distanceCode);
  }
}

/** Bits of the symbols, without what describes the codes. Symbols that were added to have two count as well, as in zlib. */
function bitsOf(literals: readonly number[], distances: readonly number[], literal: PrefixCode, distance: PrefixCode): number {
  const sum = (frequencies: readonly number[], lengths: readonly number[], extra: (symbol: number) => number): number =>
    frequencies.reduce((bits, times, symbol) => bits + times * ((lengths[symbol] ?? 0) + extra(symbol)), 0);
  return (
    sum(literals, literal.lengths, (symbol) => (symbol > END_OF_BLOCK ? (LENGTH_EXTRA[symbol - 257] ?? 0) : 0)) +
    sum(distances, distance.lengths, (symbol) => DISTANCE_EXTRA[symbol] ?? 0)
  );
}

function writeSymbols(out: BitWriter, symbols: readonly Piece[], literal: PrefixCode, distance: PrefixCode): void {
  const put = (code: PrefixCode, symbol: number): void => out.put(code.codes[symbol] ?? 0, code.lengths[symbol] ?? 0);
  for (const { distance: far, value } of symbols) {
    if (far === 0) {
      put(literal, value);
      continue;
    }
    const length = codeFor(LENGTH_BASES, value - 3);
    put(literal, 257 + length);
    out.put(value - 3 - (LENGTH_BASES[length] ?? 0), LENGTH_EXTRA[length] ?? 0);
    const code = codeFor(DISTANCE_BASES, far - 1);
    put(distance, code);
    out.put(far - 1 - (DISTANCE_BASES[code] ?? 0), DISTANCE_EXTRA[code] ?? 0);
  }
  put(literal, END_OF_BLOCK);
}

/** The order in which the lengths of the code for lengths are written. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** How the codes of a block are described. */
function describe(literal: PrefixCode, distance: PrefixCode): { readonly bits: number; readonly write: (out: BitWriter) => void } {
  const runs = [...runsOf(literal.lengths.slice(0, literal.last + 1)), ...runsOf(distance.lengths.slice(0, distance.last + 1))];
  const frequencies = new Array<number>(19).fill(0);
  for (const { symbol } of runs) frequencies[symbol] = (frequencies[symbol] ?? 0) + 1;
  const code = buildCode(frequencies, 7);
  const count = Math.max(4, LENGTH_ORDER.findLastIndex((symbol) => (code.lengths[symbol] ?? 0) > 0) + 1);
  const bits = 14 + 3 * count + runs.reduce((sum, run) => sum + (code.lengths[run.symbol] ?? 0) + run.bits, 0);
  const write = (out: BitWriter): void => {
    out.put(literal.last + 1 - 257, 5);
    out.put(distance.last, 5);
    out.put(count - 4, 4);
    for (const symbol of LENGTH_ORDER.slice(0, count)) out.put(code.lengths[symbol] ?? 0, 3);
    for (const run of runs) {
      out.put(code.codes[run.symbol] ?? 0, code.lengths[run.symbol] ?? 0);
      out.put(run.extra, run.bits);
    }
  };
  return { bits, write };
}

interface Run {
  readonly symbol: number;
  readonly extra: number;
  readonly bits: number;
}

/** Lengths with their repetitions: 16 repeats the one before, 17 and 18 are zeros. @see scan_tree in zlib's trees.c */
function runsOf(lengths: readonly number[]): Run[] {
  const runs: Run[] = [];
  const plain = (symbol: number): Run => ({ symbol, extra: 0, bits: 0 });
  let previous = -1;
  let count = 0;
  let [most, least] = lengths[0] === 0 ? [138, 3] : [7, 4];
  for (const [at, length] of lengths.entries()) {
    const next = lengths[at + 1];
    count += 1;
    if (count < most && length === next) continue;
    if (count < least) for (let time = 0; time < count; time += 1) runs.push(plain(length));
    else if (length !== 0) {
      if (length !== previous) {
        runs.push(plain(length));
        count -= 1;
      }
      runs.push({ symbol: 16, extra: count - 3, bits: 2 });
    } else if (count <= 10) runs.push({ symbol: 17, extra: count - 3, bits: 3 });
    else runs.push({ symbol: 18, extra: count - 11, bits: 7 });
    count = 0;
    previous = length;
    [most, least] = next === 0 ? [138, 3] : length === next ? [6, 3] : [7, 4];
  }
  return runs;
}
