import { beyondBounds } from '../refusal.ts';
import { parseEscapedByte, parseProperty } from './byte-escapes.ts';
import { ANY_BYTE, bytesThat, ESCAPED_SETS, NO_NEWLINE, single } from './byte-sets.ts';
import { parseNamedReference, parseReference, referenceTo } from './group-references.ts';
import type { ParseState } from './parse-state.ts';
import { NOTHING, type PatternNode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

/**
 * Reads an escape outside of a class, after its `\`.
 * @throws {PatternError} for one that PCRE does not know
 * @throws {SelvageError} `SIMULATION_FAILED` for `\X`
 */
export function parseEscape(state: ParseState): PatternNode {
  const { text } = state;
  const letter = text.next('\\ at the end');
  const set = ESCAPED_SETS.get(letter);
  if (set !== undefined) return { kind: 'bytes', set };
  switch (letter) {
    case 'N':
      if (text.peek() === '{') throw new PatternError('\\N{name}');
      return { kind: 'bytes', set: NO_NEWLINE };
    case 'C':
      return { kind: 'bytes', set: ANY_BYTE };
    case 'R':
      return ANY_NEWLINE;
    case 'X':
      throw beyondBounds('a regular expression with \\X is not supported');
    case 'p':
    case 'P':
      return { kind: 'bytes', set: parseProperty(text, letter) };
    case 'b':
      return { kind: 'assert', what: 'word boundary' };
    case 'B':
      return { kind: 'assert', what: 'no word boundary' };
    case 'A':
    case 'G':
      return { kind: 'assert', what: 'start' };
    case 'Z':
      return { kind: 'assert', what: 'end or last newline' };
    case 'z':
      return { kind: 'assert', what: 'end' };
    case 'K':
      return NOTHING;
    case 'g':
      return parseReference(state);
    case 'k':
      return parseNamedReference(state);
    default:
      return numberedOrByte(state, letter);
  }
}

/** `\1` to `\9` are references, longer numbers only where there are as many groups, else octal. */
function numberedOrByte(state: ParseState, letter: string): PatternNode {
  const { text, groups } = state;
  if (/[1-9]/.test(letter)) {
    const digits = /^\d{0,9}/.exec(text.ahead(9))?.[0] ?? '';
    const number = Number(letter + digits);
    if (number < 10 || number <= groups.total) {
      text.skip(digits.length);
      return referenceTo(state, number);
    }
  }
  return state.byte(parseEscapedByte(text, letter));
}

const lineBreak = bytesThat((byte) => (byte >= 0x0a && byte <= 0x0d) || byte === 0x85);
const one = (byte: number): PatternNode => ({ kind: 'bytes', set: single(byte) });
const ANY_NEWLINE: PatternNode = {
  kind: 'atomic',
  body: {
    kind: 'choice',
    options: [
      { kind: 'sequence', parts: [one(0x0d), one(0x0a)] },
      { kind: 'bytes', set: lineBreak },
    ],
  },
};
