import { describe, expect, it } from 'vitest';
import { shuffled } from './shuffled.ts';

describe('a list in any order', () => {
  it('has the same items and leaves the list as it was', () => {
    const items = [1, 2, 2, 3];
    expect(shuffled(items).sort()).toEqual(items);
    expect(items).toEqual([1, 2, 2, 3]);
    expect(shuffled([])).toEqual([]);
  });

  it('is any of all orders', () => {
    const orders = new Set(Array.from({ length: 400 }, () => shuffled(['a', 'b', 'c']).join('')));
    expect([...orders].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
  });

  it('is as somebody chooses, who is not asked where there is one left', () => {
    const asked: number[] = [];
    const last = (below: number): number => asked.push(below) * 0 + below - 1;
    expect(shuffled([1, 2, 3], last)).toEqual([3, 2, 1]);
    expect(asked).toEqual([3, 2]);
  });
});
