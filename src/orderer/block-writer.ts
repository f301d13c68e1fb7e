import { SelvageError } from '../common/errors.ts';
import { lastConfigOf } from '../msp/channelconfig/config-block.ts';
import type { common } from '../protos/messages.ts';
import { type BlockBuilderParts, buildBlock } from './block-builder.ts';
import type { OrdererBlocks } from './orderer-blocks.ts';

/** Adds blocks to one channel, one after the other: each is on the disk before the next is made. */
export class BlockWriter {
  readonly #blocks: OrdererBlocks;
  readonly #parts: BlockBuilderParts;
  #last: common.BlockHeader;
  #lastConfig: bigint;

  private constructor(
    blocks: OrdererBlocks,
    parts: BlockBuilderParts,
    tip: { readonly last: common.BlockHeader; readonly lastConfig: bigint },
  ) {
    this.#blocks = blocks;
    this.#parts = parts;
    this.#last = tip.last;
    this.#lastConfig = tip.lastConfig;
  }

  /**
   * Goes on after the last block there is.
   * @throws {SelvageError} `LEDGER_CORRUPT` when it cannot be read
   */
  static async after(blocks: OrdererBlocks, parts: BlockBuilderParts): Promise<BlockWriter> {
    const block = await blocks.block(blocks.height() - 1n);
    if (block?.header === undefined) throw new SelvageError('LEDGER_CORRUPT', 'the last block cannot be read');
    return new BlockWriter(blocks, parts, { last: block.header, lastConfig: lastConfigOf(block) });
  }

  /** Number of the newest configuration block. */
  get lastConfig(): bigint {
    return this.#lastConfig;
  }

  write(envelopes: readonly Uint8Array[]): Promise<bigint> {
    return this.#append(envelopes, this.#lastConfig);
  }

  /** A configuration is alone in its block, and the block names itself as the last configuration. */
  writeConfig(envelope: Uint8Array): Promise<bigint> {
    return this.#append([envelope], this.#last.number + 1n);
  }

  async #append(envelopes: readonly Uint8Array[], lastConfig: bigint): Promise<bigint> {
    const block = await buildBlock({ previous: this.#last, envelopes, lastConfig }, this.#parts);
    if (block.header === undefined) throw new SelvageError('INTERNAL', 'a block was built without a header');
    await this.#blocks.append(block);
    this.#last = block.header;
    this.#lastConfig = lastConfig;
    return block.header.number;
  }
}
