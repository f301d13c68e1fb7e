import { describe, expect, it } from 'vitest';
import { logfmt } from './logfmt.ts';

describe('logfmt', () => {
  it('is words as they are, in the order of the fields', () => {
    expect(logfmt({ channel: 'mychannel', key: 'a-1', blockNum: 7n, tranNum: 0 })).toBe('channel=mychannel key=a-1 blockNum=7 tranNum=0');
  });

  it('quotes what could pass for another field or another line', () => {
    expect(logfmt({ key: 'a blockNum=9', next: 'x' })).toBe('key="a blockNum=9" next=x');
    expect(logfmt({ key: '\u0000owner\u0000a\u0000' })).toBe('key="\\u0000owner\\u0000a\\u0000"');
    expect(logfmt({ key: 'a\nb"c' })).toBe('key="a\\nb\\"c"');
    expect(logfmt({ key: '' })).toBe('key=');
  });
});
