import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { median, pairedRatio, quantile, rotated } from '../../bench/statistics.ts';

describe('Statistics', () => {
  it('take quantiles that were measured', () => {
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1);
    assert.equal(quantile(hundred, 0.5), 50);
    assert.equal(quantile(hundred, 0.99), 99);
    assert.equal(quantile([7], 0.99), 7);
    assert.equal(quantile([], 0.5), Number.NaN);
  });

  it('take the median of what could be measured', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([1, 2, 3, 10]), 2.5);
    assert.equal(median([Number.NaN, 4]), 4);
    assert.equal(median([]), Number.NaN);
  });

  it('compare round by round: a round that was slow for both says nothing', () => {
    assert.equal(pairedRatio([2, 200, 4], [1, 100, 2]), 2);
  });

  it('let everybody be first in turn', () => {
    assert.deepEqual(rotated(['a', 'b', 'c'], 0), ['a', 'b', 'c']);
    assert.deepEqual(rotated(['a', 'b', 'c'], 4), ['b', 'c', 'a']);
  });
});
