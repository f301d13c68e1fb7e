import { parseEscapedByte, parseProperty } from './byte-escapes.ts';
import { bytesThat, ESCAPED_SETS, has, inverse, otherCase, POSIX_CLASSES } from './byte-sets.ts';
import type { ByteSet } from './pattern-node.ts';
import { PatternError, type PatternText } from './pattern-text.ts';

/**
 * Reads a character class after its `[`, up to its end.
 * @throws {PatternError} for a class that has no end, and for members that none may have
 */
export function parseClass(text: PatternText, ignoreCase: boolean): ByteSet {
  const negated = text.take('^');
  const members: ByteSet = new Uint8Array(256);
  for (let first = true; ; first = false) {
    if (text.take('\\E')) continue;
    if (text.take('\\Q')) {
      for (const mark of text.upTo('\\E')) members[mark.charCodeAt(0)] = 1;
      continue;
    }
    const mark = text.next('missing ]');
    if (mark === ']' && !first) break;
    const set = parseSet(text, mark, ignoreCase);
    if (set === undefined) addRange(text, mark, members);
    else for (const [byte, belongs] of set.entries()) if (belongs === 1) members[byte] = 1;
  }
  const cased = ignoreCase ? bytesThat((byte) => has(members, byte) || has(members, otherCase(byte))) : members;
  return negated ? inverse(cased) : cased;
}

/** A member that is a set by itself; undefined, and nothing read, where it is a byte. */
function parseSet(text: PatternText, mark: string, ignoreCase: boolean): ByteSet | undefined {
  if (mark === '[') return parsePosixClass(text, ignoreCase);
  if (mark !== '\\') return undefined;
  const letter = text.peek() ?? '';
  const set = ESCAPED_SETS.get(letter);
  if (set === undefined && letter !== 'p' && letter !== 'P') return undefined;
  text.skip(1);
  return set ?? parseProperty(text, letter);
}

/** `[:name:]`, of which `[` is read. */
function parsePosixClass(text: PatternText, ignoreCase: boolean): ByteSet | undefined {
  const posix = text.takeMatch(/^([:.=])(\^?)([a-z]*)\1\]/, 20);
  if (posix === undefined) return undefined;
  const [, mark, negation, name = ''] = posix;
  const set = mark === ':' ? POSIX_CLASSES.get(name) : undefined;
  if (set === undefined) throw new PatternError('an unknown class');
  const cased = ignoreCase && /^(?:lower|upper)$/.test(name) ? POSIX_CLASSES.get('alpha') : undefined;
  return negation === '^' ? inverse(cased ?? set) : (cased ?? set);
}

/** One byte, or those from it to another one. */
function addRange(text: PatternText, mark: string, members: ByteSet): void {
  const from = parseByte(text, mark);
  let to = from;
  if (text.peek() === '-' && !/^-(?:\]|$|\\[dwshvDWSHVpP]|\[[:.=])/.test(text.ahead(3))) {
    text.skip(1);
    to = parseByte(text, text.next('missing ]'));
    if (to < from) throw new PatternError('a range that goes down');
  }
  for (let byte = from; byte <= to; byte += 1) members[byte] = 1;
}

function parseByte(text: PatternText, mark: string): number {
  if (mark !== '\\') return mark.charCodeAt(0);
  const letter = text.next('\\ at the end');
  if (letter === 'b') return 8;
  if ('BNRX'.includes(letter)) throw new PatternError('an escape that no class may have');
  return parseEscapedByte(text, letter);
}
