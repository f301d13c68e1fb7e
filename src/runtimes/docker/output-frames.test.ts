import { expect, it } from 'vitest';
import { OutputFrames } from './output-frames.ts';

const frame = (stream: number, text: string): Buffer => {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
};

const heardIn = (pieces: readonly Buffer[]): Record<string, string> => {
  const heard: Record<string, string> = { stdout: '', stderr: '' };
  const frames = new OutputFrames((chunk, stream) => {
    heard[stream] += chunk.toString('latin1');
  });
  for (const piece of pieces) frames.push(piece);
  return heard;
};

it('takes frames apart wherever the network cut them', () => {
  const all = Buffer.concat([
    frame(1, 'one\n'),
    frame(2, 'bad\n'),
    frame(1, ''),
    frame(1, 'x'.repeat(4_000)),
    frame(2, 'end without break'),
  ]);
  const expected = { stdout: `one\n${'x'.repeat(4_000)}`, stderr: 'bad\nend without break' };
  for (const size of [1, 3, 7, 8, 9, 4096, all.length]) {
    const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.subarray(at * size, (at + 1) * size));
    expect(heardIn(pieces), `in pieces of ${size}`).toEqual(expected);
  }
});

it('passes on what came of a frame that never became complete', () => {
  expect(heardIn([frame(1, 'last words').subarray(0, 12)])).toEqual({ stdout: 'last', stderr: '' });
});
