/** Escapes that mean the same in a class and outside: one byte, or those with a property. */
import { bytesWithProperty, inverse } from './byte-sets.ts';
import type { ByteSet } from './pattern-node.ts';
import { PatternError, type PatternText } from './pattern-text.ts';

const CONTROLS = new Map([
  ['a', 7],
  ['e', 27],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
]);

/**
 * Reads the rest of an escape that stands for one byte.
 * @param letter what followed the `\`
 * @throws {PatternError} for an escape that PCRE does not know, and for more than a byte
 */
export function parseEscapedByte(text: PatternText, letter: string): number {
  const control = CONTROLS.get(letter);
  if (control !== undefined) return control;
  if (letter === 'x') return parseHexadecimal(text);
  if (letter === 'o') return parseBracedOctal(text);
  if (letter === 'c') return parseControl(text);
  if (/[0-7]/.test(letter)) return Number.parseInt(letter + (text.takeMatch(/^[0-7]{0,2}/, 2)?.[0] ?? ''), 8) & 0xff;
  if ('LlNUu'.includes(letter)) throw new PatternError('an escape that PCRE does not know');
  return letter.charCodeAt(0);
}

function parseHexadecimal(text: PatternText): number {
  const braced = text.takeMatch(/^\{([0-9a-fA-F]+)\}/, 12);
  const digits = braced?.[1] ?? text.takeMatch(/^[0-9a-fA-F]{0,2}/, 2)?.[0] ?? '';
  return asByte(Number.parseInt(digits === '' ? '0' : digits, 16));
}

function parseBracedOctal(text: PatternText): number {
  const braced = text.takeMatch(/^\{([0-7]+)\}/, 16);
  if (braced === undefined) throw new PatternError('\\o without braces');
  return asByte(Number.parseInt(braced[1] ?? '0', 8));
}

function parseControl(text: PatternText): number {
  const byte = text.next('\\c at the end').charCodeAt(0);
  if (byte > 0x7e || byte < 0x20) throw new PatternError('\\c with what is not printable');
  return String.fromCharCode(byte).toUpperCase().charCodeAt(0) ^ 0x40;
}

function asByte(value: number): number {
  if (!(value < 256)) throw new PatternError('a code beyond one byte');
  return value;
}

/**
 * Reads the name of a property and gives the bytes that have it.
 * @param letter `p`, or `P` for those that do not have it
 * @throws {PatternError} for a property that is unknown
 */
export function parseProperty(text: PatternText, letter: string): ByteSet {
  const first = text.next('\\p at the end');
  const name = first === '{' ? text.until('}') : first;
  const inverted = name.startsWith('^');
  const set = bytesWithProperty(inverted ? name.slice(1) : name);
  if (set === undefined) throw new PatternError('an unknown property');
  return (letter === 'P') !== inverted ? inverse(set) : set;
}
