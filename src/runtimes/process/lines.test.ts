import { describe, expect, it } from 'vitest';
import { LineSplitter, Tail } from './lines.ts';

const split = (...chunks: readonly (string | Buffer)[]): readonly string[] => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => void lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
};

describe('cutting output into lines', () => {
  it('works across chunks, line endings and multi-byte characters', () => {
    const euro = Buffer.from('€');
    expect(split('a', 'b\nc\r\n', '\n', 'd', euro.subarray(0, 1), euro.subarray(1), '\n')).toEqual(['ab', 'c', '', 'd€']);
  });

  it('does not lose the last line without a break', () => {
    expect(split('a\nb')).toEqual(['a', 'b']);
    expect(split('a\n')).toEqual(['a']);
  });

  it('cuts a line that does not end', () => {
    expect(split('x'.repeat(40_000)).map(({ length }) => length)).toEqual([16_384, 16_384, 7_232]);
  });
});

describe('the tail of an output', () => {
  it('keeps the last lines only', () => {
    const tail = new Tail(2);
    for (const line of ['1', '2', '3']) tail.add(line);
    expect(tail.lines).toEqual(['2', '3']);
  });
});

describe('the tail of a long trace', () => {
  const tailOf = (...lines: readonly string[]): readonly string[] => {
    const tail = new Tail(3);
    for (const line of lines) tail.add(line);
    return tail.lines;
  };

  it('has the last lines', () => {
    expect(tailOf('a', 'b')).toEqual(['a', 'b']);
    expect(tailOf('a', 'b', 'c', 'd')).toEqual(['b', 'c', 'd']);
  });

  it('begins with what a long trace began with', () => {
    expect(tailOf('panic: oh no', 'a', 'b', 'c', 'd')).toEqual(['panic: oh no', 'c', 'd']);
    expect(tailOf('panic: once', 'a', 'panic: twice', 'b', 'c', 'd')).toEqual(['panic: twice', 'c', 'd']);
  });

  it('has forgotten it when much was said since', () => {
    expect(tailOf('panic: long ago', ...Array.from({ length: 600 }, () => 'work'))).toEqual(['work', 'work', 'work']);
  });
});
