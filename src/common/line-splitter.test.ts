import { describe, expect, it } from 'vitest';
import { LineSplitter } from './line-splitter.ts';

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
