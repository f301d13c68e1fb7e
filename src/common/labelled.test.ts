import { describe, expect, it } from 'vitest';
import { Labelled } from './labelled.ts';

describe('metrics with labels', () => {
  it('are bound once for each combination', () => {
    const made: object[] = [];
    const counters = new Labelled(['channel', 'code'], (labels) => {
      made.push(labels);
      return labels;
    });
    expect(counters.of('a', 'x')).toBe(counters.of('a', 'x'));
    counters.of('a', 'y');
    expect(made).toEqual([
      { channel: 'a', code: 'x' },
      { channel: 'a', code: 'y' },
    ]);
  });

  it('have no values that are longer than any name', () => {
    const counters = new Labelled(['channel', 'chaincode'], (labels) => labels);
    expect(counters.of('a', 'x'.repeat(257))).toEqual({ channel: 'a', chaincode: 'other' });
    expect(counters.of('a', 'x'.repeat(256))).toEqual({ channel: 'a', chaincode: 'x'.repeat(256) });
  });

  it('are counted together when somebody makes up ever new values', () => {
    const counters = new Labelled(['name'], (labels) => labels);
    for (let at = 0; at < 5_000; at += 1) counters.of(String(at));
    expect(counters.of('one more')).toEqual({ name: 'other' });
    expect(counters.of('one more')).toBe(counters.of('another'));
    expect(counters.of('7')).toEqual({ name: '7' });
  });
});
