import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decodeBookmark, encodeBookmark } from './bookmark.ts';
import { Atom, encodeTerm, type TermOrList, Tuple } from './erlang-external.ts';

/** What anybody can send: a term, deflated as far as it goes. */
function forged(term: Uint8Array): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(term.length);
  return Buffer.concat([Uint8Array.of(0x83, 0x50), length, deflateSync(term)]).toString('base64url');
}

const marking = (key: TermOrList): Uint8Array =>
  encodeTerm([new Tuple(new Atom('startkey_docid'), 'k'), new Tuple(new Atom('startkey'), key)]);

describe('A forged bookmark', () => {
  it('makes no room for what its lists only claim to hold', () => {
    const term = Buffer.alloc(8 * 1024 * 1024 - 1, 0x6a);
    for (let at = 0; at < 900 * 5; at += 5) {
      term[at] = 0x6c;
      term.writeUInt32BE(term.length - at - 5, at + 1);
    }
    const text = forged(term);
    expect(text.length).toBeLessThan(20_000);
    expect(() => decodeBookmark(text)).toThrow('invalid_bookmark');
  });

  it('holds no more terms, and no longer integers, than bookmarks have', () => {
    const empty: TermOrList[] = Array.from({ length: 200_000 }, () => []);
    const bytes: TermOrList[] = Array.from({ length: 4 }, () => Array.from({ length: 60_000 }, () => 1n));
    for (const key of [empty, bytes, [1n << 100_000n]]) expect(() => decodeBookmark(forged(marking(key)))).toThrow('invalid_bookmark');
  });

  it('is none that holds what a document may hold', () => {
    const key = [
      Array.from({ length: 5_000 }, (_, at) => BigInt(at)),
      2n ** 69n,
      -0.5,
      'a'.repeat(1_000_000),
      null,
      new Map([['a', true]]),
    ];
    expect(decodeBookmark(encodeBookmark({ key, document: 'k' }))).toEqual({ key, document: 'k' });
  });
});
