import fc from 'fast-check';
import { runs } from '../runs.ts';

interface Change {
  readonly at: number;
  readonly to: number;
  readonly kind: 'set' | 'cut' | 'insert' | 'double' | 'length';
}

/** Bytes with some of them changed, cut off, doubled or put in, or with a length that promises more than there is. */
export const mutated = (original: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.record({ at: fc.nat(), to: fc.nat(255), kind: fc.constantFrom<Change['kind'][]>('set', 'cut', 'insert', 'double', 'length') }),
      {
        minLength: 1,
        maxLength: 3,
      },
    )
    .map((changes) => Uint8Array.from(changes.reduce(mutate, [...original])));

function mutate(bytes: readonly number[], { at, to, kind }: Change): readonly number[] {
  if (bytes.length === 0) return [to];
  const position = at % bytes.length;
  if (kind === 'set') return bytes.with(position, to);
  if (kind === 'cut') return bytes.slice(0, position);
  if (kind === 'insert') return bytes.toSpliced(position, 0, to);
  if (kind === 'length') return bytes.toSpliced(position, 1, 0xff, 0xff, 0xff, 0xff, 0x0f);
  return [...bytes, ...bytes.slice(position)];
}

/** The same inputs in every run: a failure is found again. */
export const seeded = (numRuns: number) => ({ seed: 20_261_122, numRuns: runs(numRuns), endOnFailure: true });
