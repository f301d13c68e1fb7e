import { describe, expect, it } from 'vitest';
import { mayBeTold, mayHear } from './disclosure.ts';

const who = (text: string) => ({ mspId: text.slice(0, 1), endpoint: text.endsWith('+') ? 'x:1' : '' });
const EVERYBODY = ['A', 'A+', 'B', 'B+', 'C', 'C+'];

/** Who is told of whom by a peer of A; + has an external endpoint. */
const table = (allowed: typeof mayBeTold) =>
  Object.fromEntries(EVERYBODY.map((of) => [of, EVERYBODY.filter((to) => allowed(who(of), who(to), 'A')).join(' ')]));

describe('whom a peer of A tells about whom', () => {
  it('is the own organisation, others where both can be reached from outside, and nobody of a third one', () => {
    expect(table(mayBeTold)).toEqual({
      A: 'A A+',
      'A+': 'A A+ B+ C+',
      B: 'B B+',
      'B+': 'B B+',
      C: 'C C+',
      'C+': 'C C+',
    });
  });

  it('is passed on to the own organisation too when it is foreign, where that can be reached from outside', () => {
    expect(table(mayHear)).toEqual({
      A: 'A A+',
      'A+': 'A A+ B+ C+',
      B: 'A+ B+',
      'B+': 'A+ B+',
      C: 'A+ C+',
      'C+': 'A+ C+',
    });
  });
});
