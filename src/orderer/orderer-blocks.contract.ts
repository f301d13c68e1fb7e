import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { blockDataHash, blockHash } from '../protos/hashes.ts';
import type { common } from '../protos/messages.ts';
import type { OrdererBlocks } from './orderer-blocks.ts';

/** What every place for the orderer's blocks promises. */
export function ordererBlocksContract(name: string, open: () => Promise<OrdererBlocks>): void {
  describe(`${name} blocks`, () => {
    let blocks: OrdererBlocks;
    beforeEach(async () => {
      blocks = await open();
    });
    afterEach(() => blocks[Symbol.asyncDispose]());

    it('are empty at first', async () => {
      assert.equal(blocks.height(), 0n);
      assert.equal(await blocks.block(0n), undefined);
    });

    it('come back as they were written', async () => {
      const [first, second] = chain();
      await blocks.append(first);
      await blocks.append(second);
      assert.equal(blocks.height(), 2n);
      assert.deepEqual(plain(await blocks.block(0n)), plain(first));
      assert.deepEqual(plain(await blocks.block(1n)), plain(second));
    });

    it('refuse a number that is not the next', async () => {
      const [, second] = chain();
      await assert.rejects(blocks.append(second), { code: 'BLOCK_INVALID' });
      assert.equal(blocks.height(), 0n);
    });

    it('wake who waits for the next one', async () => {
      const waiting = blocks.waitFor(0n, AbortSignal.timeout(200_000));
      await blocks.append(chain()[0]);
      await waiting;
      await blocks.waitFor(0n, AbortSignal.timeout(200_000));
    });

    it('let who waits give up', async () => {
      const reason = new Error('caller left');
      const left = new AbortController();
      const waiting = blocks.waitFor(5n, left.signal);
      left.abort(reason);
      await assert.rejects(waiting, reason);
    });
  });
}

/** Blocks that follow each other, each with one envelope that is not a transaction. */
function chain(): [common.Block, common.Block] {
  const blocks: common.Block[] = [];
  let previousHash: Uint8Array = new Uint8Array(0);
  for (let number = 0; number < 2; number += 1) {
    const data = { data: [new Uint8Array([10, 1, number])] };
    const header = { number: BigInt(number), previousHash, dataHash: blockDataHash(data) };
    blocks.push({
      header,
      data,
      metadata: { metadata: [new Uint8Array([10, 1, 7]), new Uint8Array(0), new Uint8Array(0), new Uint8Array(0)] },
    });
    previousHash = blockHash(header);
  }
  const [first, second] = blocks;
  if (first === undefined || second === undefined) throw new Error('two blocks at least');
  return [first, second];
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value;
}
