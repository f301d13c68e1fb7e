import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chains, makeChain } from '../../test/explain/generated-chain.ts';
import { ListedBlocks } from '../../test/fakes/listed-blocks.ts';
import { runs } from '../../test/runs.ts';
import { protos } from '../protos/messages.ts';
import { explainAt } from './explain.ts';
import { codeName } from './remedies.ts';

const { MVCC_READ_CONFLICT, PHANTOM_READ_CONFLICT } = protos.TxValidationCode;
const looking = { signal: new AbortController().signal, most: 1_000 };

describe('conflicts of generated chains', () => {
  it('are explained by the transaction that a reading of all blocks finds', async () => {
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(chains, async (spec) => {
        const { blocks, conflicts } = await makeChain(spec);
        for (const { block, index, code, winner, others } of conflicts) {
          seen.set(code, (seen.get(code) ?? 0) + 1);
          const explained = await explainAt({ block, index }, new ListedBlocks(blocks), looking);
          expect(explained.code).toBe(codeName(code));
          if (others !== undefined) {
            expect([...others, winner]).toContainEqual(explained.winner?.place);
            continue;
          }
          expect(explained.doubts).toEqual([]);
          expect({ block, index, winner: explained.winner?.place }).toEqual({ block, index, winner });
          if (winner !== undefined)
            expect(explained.winner?.call).toMatchObject({
              txId: `${winner.block}-${winner.index}`,
              fn: `fn-${winner.block}-${winner.index}`,
            });
        }
      }),
      { numRuns: runs(200) },
    );
    expect((seen.get(MVCC_READ_CONFLICT) ?? 0) + (seen.get(PHANTOM_READ_CONFLICT) ?? 0)).toBeGreaterThan(1_000);
    expect(seen.get(PHANTOM_READ_CONFLICT)).toBeGreaterThan(100);
  });
});
