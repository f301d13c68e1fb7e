import { SelvageError } from '../../src/common/errors.ts';
import type { BlockSpan, ExplainedBlocks } from '../../src/explain/explained-blocks.ts';
import { transactionId } from '../../src/ledger/blockstore/transaction-ids.ts';
import type { common } from '../../src/protos/messages.ts';

/** Blocks in a list, the first with number `first`; it counts how many were read. */
export class ListedBlocks implements ExplainedBlocks {
  readonly channelId: string;
  readonly #list: readonly common.Block[];
  readonly #first: bigint;
  read = 0;

  constructor(list: readonly common.Block[], { channelId = 'channel', first = 0n }: { channelId?: string; first?: bigint } = {}) {
    this.#list = list;
    this.channelId = channelId;
    this.#first = first;
  }

  async height(): Promise<bigint> {
    return this.#first + BigInt(this.#list.length);
  }

  async *blocks({ first, last }: BlockSpan): AsyncGenerator<common.Block> {
    if (first > last) return;
    if (first < this.#first) throw new SelvageError('NOT_FOUND', `no block ${first}`);
    for (let number = first; number <= last; number += 1n) {
      const block = this.#list[Number(number - this.#first)];
      if (block === undefined) throw new SelvageError('NOT_FOUND', `no block ${number}`);
      this.read += 1;
      yield block;
    }
  }

  async blockOf(txId: string): Promise<bigint | undefined> {
    return this.#list.find(({ data }) => (data?.data ?? []).some((bytes) => transactionId(bytes) === txId))?.header?.number;
  }
}
