import type { ParseState } from './parse-state.ts';
import type { PatternNode, RepeatMode } from './pattern-node.ts';
import { PatternError, type PatternText } from './pattern-text.ts';

const MAX_REPEAT = 65_535;

/** Reads how often something is repeated: once, without a word about it. @throws {PatternError} for bounds that are none */
export function parseRepeats(state: ParseState, atom: PatternNode): PatternNode {
  const { text } = state;
  let node = atom;
  for (;;) {
    state.skipExtended();
    const bounds = parseBounds(text);
    if (bounds === undefined) return node;
    const [min, max] = bounds;
    const mode: RepeatMode = text.take('+') ? 'possessive' : text.take('?') !== state.flags.ungreedy ? 'lazy' : 'greedy';
    // An assertion without an inside is repeated in vain.
    node = { kind: 'repeat', body: node, min, max, mode };
  }
}

function parseBounds(text: PatternText): readonly [min: number, max: number] | undefined {
  if (text.take('*')) return [0, Number.POSITIVE_INFINITY];
  if (text.take('+')) return [1, Number.POSITIVE_INFINITY];
  if (text.take('?')) return [0, 1];
  const found = text.takeMatch(/^\{(\d+)(,(\d*))?\}/, 16);
  if (found === undefined) return undefined;
  const min = Number(found[1]);
  const max = found[2] === undefined ? min : found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3]);
  if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT) || max < min) throw new PatternError('bad repeat');
  return [min, max];
}
