import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { developmentSet as fixtures, readFixtureJson } from '../../../test/fixtures.ts';
import { concatBytes, hex, sha256 } from '../../common/bytes.ts';
import { kvrwset } from '../../protos/messages.ts';
import { QueryReads, type QueryReadsSummary } from './query-reads.ts';

const reads = (count: number): kvrwset.KVReadInit[] =>
  Array.from({ length: count }, (_, at) => ({ key: `key${String(at).padStart(5, '0')}`, version: { blockNum: 1n, txNum: BigInt(at) } }));

function summary(list: readonly kvrwset.KVReadInit[], maxDegree?: number): QueryReadsSummary {
  const sum = new QueryReads(maxDegree === undefined ? {} : { maxDegree });
  for (const read of list) sum.add(read);
  return sum.finish();
}

const shape = ({ readsMerkleHashes }: QueryReadsSummary) => [readsMerkleHashes?.maxLevel, readsMerkleHashes?.maxLevelHashes?.length];
const hexes = ({ readsMerkleHashes }: QueryReadsSummary) => readsMerkleHashes?.maxLevelHashes?.map(hex);

function* chunks<T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size);
}

/** The tree written down from its definition, all at once. */
function naive(list: readonly kvrwset.KVReadInit[], degree: number): { level: number; hashes: string[] } {
  let nodes = [...chunks(list, degree + 1)].map((kvReads) => sha256(kvrwset.QueryReads.encode({ kvReads })));
  let level = 1;
  for (; nodes.length > degree; level += 1) {
    nodes = [...chunks(nodes, degree + 1)].map(([first, ...rest]) =>
      rest.length === 0 && first ? first : sha256(concatBytes(...[first ?? new Uint8Array()], ...rest)),
    );
  }
  return { level, hashes: nodes.map(hex) };
}

describe('the results of a range query', () => {
  it('stay as they are up to the degree', () => {
    expect(summary([])).toEqual({ rawReads: undefined, readsMerkleHashes: undefined });
    expect(summary(reads(50))).toEqual({ rawReads: { kvReads: reads(50) }, readsMerkleHashes: undefined });
  });

  it.each([
    [51, 1, 1],
    [52, 1, 2],
    [102, 1, 2],
    [2550, 1, 50],
    [2601, 2, 1],
    [2602, 2, 2],
  ])('make of %i results level %i with %i hashes', (count, level, hashes) => {
    expect(shape(summary(reads(count)))).toEqual([level, hashes]);
  });

  it('hash as Fabric does', () => {
    expect(hexes(summary(reads(51)))).toEqual(['374b77ab94d6f8771e7f927b0be5bf79946c4ae8ddfabe8347230a096156b75b']);
    expect(hexes(summary(reads(2601)))).toEqual(['ebbf656f85aaf59ade5767d9cc9db47bc5f461221f2cd6de5e121073053937bc']);
  });

  it('refuse a degree no tree can have', () => {
    expect(() => new QueryReads({ maxDegree: 1 })).toThrow('maxDegree [1] should not be less than 2 in the merkle tree');
  });

  it('come to what the definition says for any number and degree', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 2, max: 7 }), (count, degree) => {
        const { rawReads, readsMerkleHashes } = summary(reads(count), degree);
        if (count <= degree) {
          expect(rawReads?.kvReads ?? []).toEqual(reads(count));
          return;
        }
        const { level, hashes } = naive(reads(count), degree);
        expect(rawReads).toBeUndefined();
        expect(readsMerkleHashes?.maxLevel).toBe(level);
        expect(readsMerkleHashes?.maxLevelHashes?.map(hex)).toEqual(hashes);
      }),
    );
  });
});

interface MerkleVector {
  readonly maxDegree: number;
  readonly rawReads?: number;
  readonly merkle?: { readonly queryReadsMerkleSummaryHex: string };
  readonly results: readonly (readonly [string, number, number])[];
}

describe.skipIf(fixtures === undefined)('the recorded summaries', () => {
  it('come out byte for byte', () => {
    const { rangeMerkle } = readFixtureJson('pure/functions-v1.1.json') as { rangeMerkle: readonly MerkleVector[] };
    for (const { maxDegree, rawReads, merkle, results } of rangeMerkle) {
      const list = results.map(([key, block, tx]) => ({ key, version: { blockNum: BigInt(block), txNum: BigInt(tx) } }));
      const sum = summary(list, maxDegree);
      const encoded = sum.readsMerkleHashes && hex(kvrwset.QueryReadsMerkleSummary.encode(sum.readsMerkleHashes));
      expect(encoded, `${results.length} of degree ${maxDegree}`).toBe(merkle?.queryReadsMerkleSummaryHex);
      expect(sum.rawReads?.kvReads?.length ?? 0).toBe(rawReads ?? 0);
    }
    expect(rangeMerkle.length).toBeGreaterThan(10);
  });
});
