import { PatternError, type PatternText } from './pattern-text.ts';

/** How a part of a regular expression is meant. */
export interface PatternFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
  readonly duplicateNames: boolean;
}

export const NO_FLAGS: PatternFlags = {
  ignoreCase: false,
  multiline: false,
  dotAll: false,
  extended: false,
  ungreedy: false,
  duplicateNames: false,
};

const LETTERS = new Map<string, keyof PatternFlags>([
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['x', 'extended'],
  ['U', 'ungreedy'],
  ['J', 'duplicateNames'],
]);

/**
 * Reads the letters after `(?` and the mark behind them: `)`, or `:` where an inside follows.
 * @param before what holds so far
 * @throws {PatternError} for other letters
 */
export function parseFlags(text: PatternText, before: PatternFlags): { readonly flags: PatternFlags; readonly end: string } {
  const found = text.takeMatch(/^([imsxUJ]*)(-[imsxUJ]*)?([:)])/, 32);
  if (found === undefined) throw new PatternError('unknown (?');
  const flags = { ...before };
  for (const letter of found[1] ?? '') flags[LETTERS.get(letter) ?? 'ignoreCase'] = true;
  for (const letter of (found[2] ?? '').slice(1)) flags[LETTERS.get(letter) ?? 'ignoreCase'] = false;
  return { flags, end: found[3] ?? '' };
}
