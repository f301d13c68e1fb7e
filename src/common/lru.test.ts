import { describe, expect, it } from 'vitest';
import { LruCache } from './lru.ts';

describe('a cache', () => {
  it('forgets what was used longest ago', () => {
    const cache = new LruCache<string, number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.get('a');
    cache.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => cache.get(key))).toEqual([1, undefined, 3]);
  });

  it('has nothing that it forgot, though that was used last', () => {
    const cache = new LruCache<string, number>(1);
    cache.set('a', 1);
    expect([cache.get('a'), cache.get('a')]).toEqual([1, 1]);
    cache.set('a', 2);
    expect(cache.get('a')).toBe(2);
    cache.delete('a');
    expect(cache.get('a')).toBeUndefined();
    cache.set('a', 3);
    cache.set('b', 4);
    expect([cache.get('a'), cache.get('b')]).toEqual([undefined, 4]);
    cache.clear();
    expect(cache.get('b')).toBeUndefined();
  });

  it('keeps no more than it may weigh, and nothing that weighs more than all may', () => {
    const cache = new LruCache<number, string>({ entries: 100, weight: 10, weigh: ({ length }) => length });
    cache.set(1, 'aaaa');
    cache.set(2, 'bbbb');
    cache.set(3, 'ccc');
    expect([1, 2, 3].map((key) => cache.get(key))).toEqual([undefined, 'bbbb', 'ccc']);
    cache.set(2, 'x'.repeat(11));
    expect(cache.get(2)).toBeUndefined();
    cache.set(4, 'ddddddd');
    expect([3, 4].map((key) => cache.get(key))).toEqual(['ccc', 'ddddddd']);
    cache.clear();
    cache.set(5, 'eeeeeeeeee');
    expect(cache.get(5)).toBe('eeeeeeeeee');
  });
});
