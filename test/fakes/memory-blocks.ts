import { SelvageError } from '../../src/common/errors.ts';
import { BlockWaiters } from '../../src/ledger/blockstore/block-waiters.ts';
import type { OrdererBlocks } from '../../src/orderer/orderer-blocks.ts';
import type { common } from '../../src/protos/messages.ts';

/** Blocks that end with the process: for networks that live only as long as a test. */
export class MemoryBlocks implements OrdererBlocks {
  readonly #blocks: common.Block[] = [];
  readonly #waiters = new BlockWaiters(0n);

  height(): bigint {
    return BigInt(this.#blocks.length);
  }

  block(number: bigint): common.Block | undefined {
    return this.#blocks[Number(number)];
  }

  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return this.#waiters.waitFor(number, signal);
  }

  async append(block: common.Block): Promise<void> {
    if (block.header?.number !== this.height()) {
      throw new SelvageError('BLOCK_INVALID', `expected block ${this.height()}, got ${block.header?.number}`);
    }
    this.#blocks.push(block);
    this.#waiters.reached(this.height());
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
