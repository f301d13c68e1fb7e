import { expect, it } from 'vitest';
import { compilePattern } from './compile-pattern.ts';
import { PatternRun } from './pattern-run.ts';

/** To its end, in slices as small as given. */
function found(pattern: string, text: string, slice = 1_000_000): boolean | 'does not compile' {
  const program = compilePattern(pattern);
  if (program === undefined) return 'does not compile';
  const run = new PatternRun(program, Buffer.from(text, 'utf8'));
  for (;;) {
    const outcome = run.advance(slice);
    if (outcome !== undefined) return outcome;
  }
}

it.each<[string, string, boolean]>([
  ['^.$', 'é', false],
  ['^..$', 'é', true],
  ['^[áé]{2}$', 'é', true],
  ['\\x{c3}', 'é', true],
  ['\\x{e9}', 'é', false],
  ['^\\w+$', 'é', false], // A9 is no letter of Latin-1
  ['^\\w+$', 'ê', true], // C3 and AA are
])('%s in %j is %s: a byte is a character', (pattern, text, expected) => {
  expect(found(pattern, text)).toBe(expected);
});

it.each<[string, string, boolean]>([
  ['a$', 'a\n', true],
  ['a\\z', 'a\n', false],
  ['a\\Z', 'a\n', true],
  ['(?m)^b$', 'a\nb\nc', true],
  ['^b', 'a\nb', false],
  ['a.b', 'a\nb', false],
  ['(?s)a.b', 'a\nb', true],
  ['(?x) a b # comment', 'ab', true],
  ['(?i:A)b', 'ab', true],
  ['(?i)a(?-i)B', 'Ab', false],
  ['\\Qa.b\\E', 'axb', false],
  ['[[:upper:]]', 'aBc', true],
  ['[^[:^digit:]]', 'a1', true],
  ['[\\w-]+$', 'a-b', true],
  ['[]a]+$', 'a]', true],
  ['\\bco', 'a co', true],
  ['\\Bco', 'a co', false],
  ['(a|ab)(c|bcd)(d*)$', 'abcd', true],
  ['(?>a+)ab', 'aaab', false],
  ['a++ab', 'aaab', false],
  ['a+?ab$', 'aaab', true],
  ['a{2,3}$', 'baa', true],
  ['^a{2,3}$', 'aaaa', false],
  ['a{,3}', 'a{,3}', true],
  ['(?=ab)a', 'ab', true],
  ['a(?!b)', 'ab', false],
  ['(?<=a)b', 'ab', true],
  ['(?<!a)b', 'ab', false],
  ['(?<=ab|c)d', 'cd', true],
  ['(a)\\1', 'aa', true],
  ['(?<n>a)\\k<n>', 'aa', true],
  ['(?P<n>a)(?P=n)b', 'aab', true],
  ['(a)?(?(1)b|c)$', 'ab', true],
  ['^(a)?(?(1)b|c)$', 'c', true],
  ['^(\\((?:[^()]|(?1))*\\))$', '(a(b)c)', true],
  ['^(\\((?:[^()]|(?1))*\\))$', '(a(b c)', false],
  ['(?|(a)|(b))\\1', 'bb', true],
  ['\\p{Lu}', 'aB', true],
  ['\\p{^L}', 'ab', false],
  ['\\R', '\r\n', true],
  ['^(a*)*$', 'aaa', true],
  ['^(a*)+?b$', 'aab', true],
  ['(a*)*c', 'aab', false],
  ['x*', '', true],
  ['\\101', 'A', true],
  ['\\x41', 'A', true],
  ['\\cA', '\u0001', true],
])('%s in %j is %s, in one turn and in many', (pattern, text, expected) => {
  expect(found(pattern, text)).toBe(expected);
  expect(found(pattern, text, 1)).toBe(expected);
});

it.each([
  '(',
  '[a',
  'a)',
  '*a',
  '(?u)a',
  '(?<=a+)b',
  '\\u0041',
  'a{3,2}',
  '\\1',
  '(?<n>a)(?<n>b)',
  '[[:nope:]]',
  '\\p{Nope}',
  '[b-a]',
  '(?z)',
  '\\x{100}',
  `(${'a'.repeat(70_000)})`,
  '((a|b){1000}){1000}',
])('%s does not compile', (pattern) => {
  expect(compilePattern(pattern)).toBeUndefined();
});

it('ends as PCRE does where the tries are too many, and can be left on the way', () => {
  const program = compilePattern('^(a+)+$');
  if (program === undefined) throw new Error('it compiles');
  const run = new PatternRun(program, Buffer.from(`${'a'.repeat(40)}b`, 'utf8'), 100_000);
  expect(run.advance(10_000)).toBeUndefined();
  expect(run.steps).toBeLessThan(10_100);
  let outcome: boolean | undefined;
  while (outcome === undefined) outcome = run.advance(1_000);
  expect(outcome).toBe(false);
  expect(run.steps).toBeLessThan(1_000_000);
});

it.each(['(*UTF8)a', '\\X', '(?C1)a'])('%s is refused by a sentence: it would compile, and is not done here', (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(/regular expression .* not supported/);
});
