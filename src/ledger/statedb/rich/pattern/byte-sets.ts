import type { ByteSet } from './pattern-node.ts';

/** A set of what a predicate picks. */
export function bytesThat(belongs: (byte: number) => boolean): ByteSet {
  const set = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) if (belongs(byte)) set[byte] = 1;
  return set;
}

const SINGLE = Array.from({ length: 256 }, (_, byte) => bytesThat((other) => other === byte));

/** The set of one byte. */
export const single = (byte: number): ByteSet => SINGLE[byte & 0xff] ?? new Uint8Array(256);

export const inverse = (set: ByteSet): ByteSet => bytesThat((byte) => set[byte] === 0);

export const has = (set: ByteSet, byte: number): boolean => set[byte] === 1;

/** A byte's counterpart of the other case, in Latin-1, or the byte itself. */
export function otherCase(byte: number): number {
  if (isUpper(byte)) return byte + 32;
  return isLower(byte) && byte !== 0xb5 && byte !== 0xdf && byte !== 0xff ? byte - 32 : byte;
}

const within = (byte: number, from: number, to: number): boolean => byte >= from && byte <= to;
const isUpper = (byte: number): boolean => within(byte, 0x41, 0x5a) || (within(byte, 0xc0, 0xde) && byte !== 0xd7);
const isLower = (byte: number): boolean => within(byte, 0x61, 0x7a) || byte === 0xb5 || (within(byte, 0xdf, 0xff) && byte !== 0xf7);
const isDigit = (byte: number): boolean => within(byte, 0x30, 0x39);
const isAlpha = (byte: number): boolean => isUpper(byte) || isLower(byte) || byte === 0xaa || byte === 0xba;
const isWord = (byte: number): boolean => isAlpha(byte) || isDigit(byte) || byte === 0x5f;
const isSpace = (byte: number): boolean => within(byte, 0x09, 0x0d) || byte === 0x20;
const isGraph = (byte: number): boolean => within(byte, 0x21, 0x7e) || byte >= 0xa0;
const isControl = (byte: number): boolean => byte < 0x20 || within(byte, 0x7f, 0x9f);

export const WORD = bytesThat(isWord);
export const NO_NEWLINE = bytesThat((byte) => byte !== 0x0a);
export const ANY_BYTE = bytesThat(() => true);

/** `[:name:]` of a class. */
export const POSIX_CLASSES = new Map<string, ByteSet>([
  ['alpha', bytesThat(isAlpha)],
  ['lower', bytesThat(isLower)],
  ['upper', bytesThat(isUpper)],
  ['alnum', bytesThat((byte) => isAlpha(byte) || isDigit(byte))],
  ['ascii', bytesThat((byte) => byte < 0x80)],
  ['blank', bytesThat((byte) => byte === 0x09 || byte === 0x20)],
  ['cntrl', bytesThat(isControl)],
  ['digit', bytesThat(isDigit)],
  ['graph', bytesThat(isGraph)],
  ['print', bytesThat((byte) => isGraph(byte) || byte === 0x20)],
  ['punct', bytesThat((byte) => isGraph(byte) && !isAlpha(byte) && !isDigit(byte))],
  ['space', bytesThat(isSpace)],
  ['word', WORD],
  ['xdigit', bytesThat((byte) => isDigit(byte) || within(byte, 0x41, 0x46) || within(byte, 0x61, 0x66))],
]);

/** Escapes that stand for a set, in a class and outside. */
export const ESCAPED_SETS = new Map<string, ByteSet>(
  [
    ['d', bytesThat(isDigit)] as const,
    ['w', WORD] as const,
    ['s', bytesThat(isSpace)] as const,
    ['h', bytesThat((byte) => byte === 0x09 || byte === 0x20 || byte === 0xa0)] as const,
    ['v', bytesThat((byte) => within(byte, 0x0a, 0x0d) || byte === 0x85)] as const,
  ].flatMap(([letter, set]) => [[letter, set] as const, [letter.toUpperCase(), inverse(set)] as const]),
);

const CATEGORIES = new Set(
  'C Cc Cf Cn Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'.split(' '),
);

/** Bytes, taken for Latin-1, that have a property as `\p{name}` names it; undefined for a name that is none. */
export function bytesWithProperty(name: string): ByteSet | undefined {
  if (name === 'Any') return ANY_BYTE;
  if (name === 'L&') return bytesThat((byte) => /[\p{Lu}\p{Ll}\p{Lt}]/u.test(String.fromCharCode(byte)));
  if (name === 'Xan') return bytesThat((byte) => /[\p{L}\p{N}]/u.test(String.fromCharCode(byte)));
  if (name === 'Xwd') return bytesThat((byte) => /[\p{L}\p{N}_]/u.test(String.fromCharCode(byte)));
  if (name === 'Xsp' || name === 'Xps') return bytesThat((byte) => /[\p{Z}\t-\r]/u.test(String.fromCharCode(byte)) || byte === 0x85);
  if (name === 'Xuc') return bytesThat((byte) => byte === 0x24 || byte === 0x40 || byte === 0x60 || byte >= 0xa0);
  const property = CATEGORIES.has(name) ? name : /^[A-Z][A-Za-z_]+$/.test(name) ? `Script=${name}` : undefined;
  if (property === undefined) return undefined;
  try {
    const known = new RegExp(`\\p{${property}}`, 'u');
    return bytesThat((byte) => known.test(String.fromCharCode(byte)));
  } catch {
    return undefined;
  }
}
