import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { deflate } from './deflate.ts';

const back = (bytes: Uint8Array): Buffer => inflateSync(deflate(bytes));

it('can be inflated, whatever it was', () => {
  const repetitive = fc
    .array(fc.constantFrom('a', 'ab', 'startkey', '\u0000\u0000', 'é'), { maxLength: 400 })
    .map((parts) => Buffer.from(parts.join('')));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 2000 }), repetitive), (bytes) => {
      expect(back(bytes).equals(bytes)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

it('can be inflated when it fills several blocks, and reaches back beyond the window', () => {
  const far = Buffer.from(Array.from({ length: 120_000 }, (_, at) => ((at * at * 31) >> 7) & 0xff));
  expect(back(far).equals(far)).toBe(true);
  const same = Buffer.alloc(200_000, 'x');
  expect(back(same).equals(same)).toBe(true);
});
