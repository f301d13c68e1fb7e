import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { BlockCutter } from './block-cutter.ts';

const limits = { maxMessageCount: 3, preferredMaxBytes: 100 };

/** Feeds sizes and gives, per message, the sizes of the batches it caused. */
function fed(sizes: readonly number[]): { readonly batches: number[][][]; readonly cutter: BlockCutter<{ size: number }> } {
  const cutter = new BlockCutter<{ size: number }>();
  const batches = sizes.map((size) => cutter.take({ size }, limits).map((batch) => batch.map((message) => message.size)));
  return { batches, cutter };
}

describe('the block cutter', () => {
  it('cuts when the count is reached', () => assert.deepEqual(fed([1, 2, 3, 4]).batches, [[], [], [[1, 2, 3]], []]));

  it('cuts what waits before a message that would overflow it', () => {
    const { batches, cutter } = fed([60, 40, 1]);
    assert.deepEqual(batches, [[], [], [[60, 40]]]);
    assert.ok(cutter.waiting);
  });

  it('gives a message above the preferred size a block of its own, after what waits', () => {
    assert.deepEqual(fed([10, 101]).batches, [[], [[10], [101]]]);
    assert.deepEqual(fed([101]).batches, [[[101]]]);
  });

  it('keeps a message of exactly the preferred size waiting', () => assert.deepEqual(fed([100]).batches, [[]]));

  it('gives two batches at most, by overflow and count together', () => {
    const cutter = new BlockCutter<{ size: number }>();
    const one = { maxMessageCount: 1, preferredMaxBytes: 100 };
    assert.deepEqual(cutter.take({ size: 60 }, { ...one, maxMessageCount: 2 }), []);
    assert.deepEqual(cutter.take({ size: 70 }, one), [[{ size: 60 }], [{ size: 70 }]]);
  });

  it('starts anew after a cut', () => {
    const { cutter } = fed([90]);
    assert.deepEqual(cutter.cut(), [{ size: 90 }]);
    assert.deepEqual(cutter.cut(), []);
    assert.deepEqual(cutter.take({ size: 90 }, limits), []);
    assert.deepEqual(cutter.cut(), [{ size: 90 }]);
  });
});
