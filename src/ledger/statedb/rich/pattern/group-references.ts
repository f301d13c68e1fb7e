/** What stands for a group elsewhere in the pattern: a reference for the text that it found, a call for the group itself. */
import type { ParseState } from './parse-state.ts';
import type { PatternNode } from './pattern-node.ts';
import { PatternError, type PatternText } from './pattern-text.ts';

/** @throws {PatternError} for a number that no group has */
export function referenceTo({ groups, flags }: ParseState, number: number): PatternNode {
  if (number > groups.total || number < 1) throw new PatternError('a reference to a group that is not there');
  return { kind: 'reference', numbers: [number], ignoreCase: flags.ignoreCase };
}

/** @throws {PatternError} for a bad name; for one that no group has at the end */
export function referenceToName({ groups, flags }: ParseState, name: string): PatternNode {
  const numbers = groups.named(name);
  return {
    kind: 'reference',
    ignoreCase: flags.ignoreCase,
    get numbers() {
      return numbers();
    },
  };
}

/** @throws {PatternError} for a number that no group has */
export function callOf({ groups }: ParseState, number: number): PatternNode {
  if (number < 0 || number > groups.total) throw new PatternError('a call of a group that is not there');
  return { kind: 'call', number };
}

/** @throws {PatternError} for a bad name; for one that no group has at the end */
export function callByName({ groups }: ParseState, name: string): PatternNode {
  const numbers = groups.named(name);
  return {
    kind: 'call',
    get number() {
      return numbers()[0] ?? 0;
    },
  };
}

/** Reads what follows `\g`: a reference, or a call in `<>` or `''`. @throws {PatternError} for what is neither */
export function parseReference(state: ParseState): PatternNode {
  const { text, groups } = state;
  const simple = text.takeMatch(/^(-?)(\d+)|^\{([+-]?)(\d+)\}/, 16);
  if (simple !== undefined) return referenceTo(state, groups.relative(simple[1] || (simple[3] ?? ''), Number(simple[2] ?? simple[4])));
  if (text.peek() === '{') return parseNamedReference(state);
  const call = text.takeMatch(/^(?:<([^>]*)>|'([^']*)')/, Number.POSITIVE_INFINITY);
  if (call === undefined) throw new PatternError('\\g without a group');
  const name = call[1] ?? call[2] ?? '';
  const number = /^([+-]?)(\d+)$/.exec(name);
  return number === null ? callByName(state, name) : callOf(state, groups.relative(number[1] ?? '', Number(number[2])));
}

/** Reads a name in `{}`, `<>` or `''`. @throws {PatternError} without one */
export function parseNamedReference(state: ParseState): PatternNode {
  return referenceToName(state, parseBracketed(state.text));
}

const ENDS = new Map([
  ['{', '}'],
  ['<', '>'],
  ["'", "'"],
]);

function parseBracketed(text: PatternText): string {
  const end = ENDS.get(text.next('a missing name'));
  if (end === undefined) throw new PatternError('a missing name');
  return text.until(end);
}
