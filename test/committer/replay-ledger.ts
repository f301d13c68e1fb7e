import { SelvageError } from '../../src/common/errors.ts';
import { prepareCommit, replayUpdates } from '../../src/ledger/commit/prepare-commit.ts';
import type {
  BlockReader,
  ChainInfo,
  CommitOutcome,
  InvalidReason,
  Ledger,
  TransientStore,
  ValidatedBlock,
} from '../../src/ledger/ledger.ts';
import { MemoryState } from '../../src/ledger/simulator/memory-state.ts';
import type { StateSnapshot } from '../../src/ledger/statedb/state.ts';
import { blockHash } from '../../src/protos/hashes.ts';
import { common, protos } from '../../src/protos/messages.ts';

const FILTER = common.BlockMetadataIndex.TRANSACTIONS_FILTER;

/** A ledger in memory, with the real conflict checks: what the committer needs of one, and nothing for readers. */
export class ReplayLedger implements Ledger {
  readonly channelId: string;
  readonly state = new MemoryState();
  readonly purged: { readonly txIds: readonly string[]; readonly belowHeight: bigint }[] = [];
  readonly #blocks: common.Block[] = [];
  readonly #txIds = new Set<string>();
  readonly #reasons = new Map<string, InvalidReason>();
  disposed = false;

  private constructor(channelId: string) {
    this.channelId = channelId;
  }

  static async create(channelId: string, genesis: common.Block): Promise<ReplayLedger> {
    const ledger = new ReplayLedger(channelId);
    using snapshot = ledger.state.snapshot();
    const { updates } = await replayUpdates({ block: genesis, flags: new Uint8Array(1), snapshot });
    await ledger.#append(genesis, new Uint8Array(1), updates);
    return ledger;
  }

  readonly blocks: BlockReader = {
    info: () => this.#info(),
    block: (number) => this.#blocks[Number(number)],
    hasTransaction: (txId) => this.#txIds.has(txId),
    blockByHash: () => undefined,
    blockByTxId: () => undefined,
    transaction: () => undefined,
    waitFor: async () => undefined,
  };

  readonly transient: TransientStore = {
    put: async () => undefined,
    get: async () => [],
    purge: async (txIds, belowHeight) => void this.purged.push({ txIds, belowHeight }),
  };

  snapshot(): StateSnapshot {
    return this.state.snapshot();
  }

  async simulate(): Promise<never> {
    throw new SelvageError('INTERNAL', 'not a ledger to simulate on');
  }

  history(): never {
    throw new SelvageError('INTERNAL', 'not a ledger with history');
  }

  async commit({ block, flags, reasons }: ValidatedBlock): Promise<CommitOutcome> {
    const { header } = block;
    if (header?.number !== this.#info().height) throw new SelvageError('BLOCK_INVALID', `unexpected number ${header?.number}`);
    if (Buffer.compare(header.previousHash, this.#info().currentBlockHash) !== 0) throw new SelvageError('BLOCK_INVALID', 'previous hash');
    using snapshot = this.state.snapshot();
    const prepared = await prepareCommit({ block, flags, snapshot });
    await this.#append(block, prepared.flags, prepared.updates);
    const all = [...reasons, ...prepared.reasons];
    for (const reason of all) this.#reasons.set(reason.txId, reason);
    return { blockNumber: header.number, flags: prepared.flags, reasons: all };
  }

  reasonFor(txId: string): InvalidReason | undefined {
    return this.#reasons.get(txId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disposed = true;
  }

  #info(): ChainInfo {
    const last = this.#blocks.at(-1)?.header;
    const none = new Uint8Array();
    return {
      height: BigInt(this.#blocks.length),
      currentBlockHash: last === undefined ? none : blockHash(last),
      previousBlockHash: last?.previousHash ?? none,
    };
  }

  async #append(block: common.Block, flags: Uint8Array, updates: Parameters<MemoryState['commit']>[0]): Promise<void> {
    const metadata = [...(block.metadata?.metadata ?? [])];
    metadata[FILTER] = flags;
    this.#blocks.push({ ...block, metadata: { metadata } });
    for (const bytes of block.data?.data ?? []) {
      const txId = txIdIn(bytes);
      if (txId !== '') this.#txIds.add(txId);
    }
    await this.state.commit(updates, { blockNum: block.header?.number ?? 0n, txNum: BigInt(flags.length - 1) });
  }
}

function txIdIn(bytes: Uint8Array): string {
  try {
    const { header } = common.Payload.decode(common.Envelope.decode(bytes).payload);
    return header === undefined ? '' : common.ChannelHeader.decode(header.channelHeader).txId;
  } catch {
    return '';
  }
}

export const codeName = (code: number): string =>
  Object.entries(protos.TxValidationCode).find(([, value]) => value === code)?.[0] ?? String(code);
