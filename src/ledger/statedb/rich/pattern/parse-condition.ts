import { beyondBounds } from '../refusal.ts';
import type { ParseState } from './parse-state.ts';
import { NOTHING, type PatternNode } from './pattern-node.ts';
import { PatternError } from './pattern-text.ts';

/**
 * Reads a condition after its `(?(`: a test, and what holds where it does and where it does not.
 * @param parseRest reads the rest of a group, with its `)`
 * @throws {PatternError} for a test or branches that PCRE does not know
 * @throws {SelvageError} `SIMULATION_FAILED` for a test of recursion
 */
export function parseCondition(state: ParseState, parseRest: () => PatternNode): PatternNode {
  const test = parseTest(state, parseRest);
  const body = parseRest();
  const [yes, no, ...more] = body.kind === 'choice' ? body.options : [body];
  if (more.length > 0) throw new PatternError('a condition with more than two branches');
  if (test === 'DEFINE') {
    if (no !== undefined) throw new PatternError('DEFINE with two branches');
    return NOTHING;
  }
  return { kind: 'condition', test, yes: yes ?? NOTHING, no: no ?? NOTHING };
}

/** Groups of which one is set, or what has to be found. */
function parseTest({ text, groups }: ParseState, parseRest: () => PatternNode): readonly number[] | PatternNode | 'DEFINE' {
  const look = text.takeMatch(/^\?(=|!|<=|<!)/, 3);
  if (look !== undefined) {
    const kind = look[1] ?? '';
    return { kind: 'look', behind: kind.startsWith('<'), negative: kind.endsWith('!'), body: parseRest() };
  }
  const test = text.until(')');
  if (test === 'DEFINE') return test;
  const number = /^([+-]?)(\d+)$/.exec(test);
  if (number !== null) {
    const group = groups.relative(number[1] ?? '', Number(number[2]));
    if (group < 1 || group > groups.total) throw new PatternError('a condition on a group that is not there');
    return [group];
  }
  if (/^R/.test(test)) throw beyondBounds('a regular expression with conditions on recursion is not supported');
  const name = /^(?:<(.*)>|'(.*)'|(.*))$/.exec(test);
  const numbers = groups.named(name?.[1] ?? name?.[2] ?? name?.[3] ?? '');
  const list: number[] = [];
  groups.atTheEnd(() => list.push(...numbers()));
  return list;
}
