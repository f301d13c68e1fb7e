import type { BlockSource } from '../../src/committer/block-source.ts';
import { orAbort } from '../../src/common/cancel.ts';
import { type Deferred, deferred } from '../../src/common/deferred.ts';
import type { common } from '../../src/protos/messages.ts';

/** An ordering service that hands out recorded blocks only as far as it is told to. */
export class SteppedSource implements BlockSource {
  readonly #blocks: readonly common.Block[];
  #allowed = 0;
  #moved: Deferred<void> = deferred();

  constructor(blocks: readonly common.Block[]) {
    this.#blocks = blocks;
  }

  /** Lets blocks go below this height. */
  allow(height: number): void {
    this.#allowed = Math.max(this.#allowed, height);
    this.#moved.resolve();
  }

  async *blocks(from: bigint, signal: AbortSignal): AsyncIterable<common.Block> {
    for (let number = Number(from); !signal.aborted; number += 1) {
      while (number >= this.#allowed) {
        const moved = deferred<void>();
        this.#moved = moved;
        await orAbort(moved.promise, signal);
      }
      const block = this.#blocks[number];
      if (block === undefined) return;
      yield block;
    }
  }
}
