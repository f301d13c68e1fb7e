import { BlockStore, type BlockStoreOptions } from '../ledger/blockstore/block-store.ts';
import type { common } from '../protos/messages.ts';
import type { OrdererBlocks } from './orderer-blocks.ts';

/** Blocks in the same kind of files a peer keeps its blocks in. */
export class StoredBlocks implements OrdererBlocks {
  readonly #store: BlockStore;
  readonly #kv: BlockStoreOptions['kv'];

  private constructor(store: BlockStore, kv: BlockStoreOptions['kv']) {
    this.#store = store;
    this.#kv = kv;
  }

  /**
   * Opens or begins the blocks of one channel. Owns the store of the index, too, also when opening fails.
   * @throws {SelvageError} `LEDGER_CORRUPT`
   */
  static async open(options: BlockStoreOptions): Promise<StoredBlocks> {
    try {
      return new StoredBlocks(await BlockStore.open(options), options.kv);
    } catch (cause) {
      await options.kv[Symbol.asyncDispose]();
      throw cause;
    }
  }

  height(): bigint {
    return this.#store.info().height;
  }

  block(number: bigint): Promise<common.Block | undefined> {
    return this.#store.block(number);
  }

  waitFor(number: bigint, signal: AbortSignal): Promise<void> {
    return this.#store.waitFor(number, signal);
  }

  append(block: common.Block): Promise<void> {
    return this.#store.append(block);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
    await this.#kv[Symbol.asyncDispose]();
  }
}
