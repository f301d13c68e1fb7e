import { describe, expect, it } from 'vitest';
import { compilePattern } from './compile-pattern.ts';
import { PatternRun } from './pattern-run.ts';

/** Whether a pattern is found; undefined if nobody can say after so many steps. */
function found(pattern: string, text: string, most: number): boolean | undefined {
  const program = compilePattern(pattern);
  if (program === undefined) throw new Error('it does not compile');
  const run = new PatternRun(program, Buffer.from(text));
  let answer: boolean | undefined;
  while (answer === undefined && run.steps < most) answer = run.advance(100_000);
  return answer;
}

describe('The bounds of regular expressions', () => {
  it('refuses what repeats nothing more often than anything fits, instead of counting to it', () => {
    const times = (body: string) => `(?:${body}){65535}`;
    expect(compilePattern(times(times(times(''))))).toBeUndefined();
    expect(compilePattern(times(times(times('(?:|)'))))).toBeUndefined();
    expect(compilePattern(times(times('a{0}')))).toBeUndefined();
    expect(compilePattern('(?:(?:){10}a){10}')).toBeDefined();
  });

  it('ends in no match where groups by the thousand are set in each round of a loop', () => {
    const groups = '()'.repeat(4_000);
    expect(found(`(?:${groups}a)*b`, 'a'.repeat(40_000), 30_000_000)).toBe(false);
    expect(found(`(?:${groups}a)*b`, `${'a'.repeat(100)}b`, 30_000_000)).toBe(true);
  });

  it('ends in no match where a pattern with groups by the thousand calls itself', () => {
    const groups = '()'.repeat(4_000);
    expect(found(`^(${groups}a(?1)?b)`, 'a'.repeat(5_000), 20_000_000)).toBe(false);
    expect(found('a(?R)?b', `${'a'.repeat(1_000)}${'b'.repeat(1_000)}`, 10_000_000)).toBe(true);
  });
});
