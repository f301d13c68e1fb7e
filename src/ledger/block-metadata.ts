import { SelvageError } from '../common/errors.ts';
import { common } from '../protos/messages.ts';
import { commitHash } from './commit/commit-hash.ts';
import type { PreparedCommit } from './commit/prepared.ts';
import type { Compatibility } from './compatibility.ts';

const { TRANSACTIONS_FILTER, COMMIT_HASH } = common.BlockMetadataIndex;
const NOTHING = new Uint8Array(0);

/** One `TxValidationCode` per transaction, as committed. Empty for a block that was not. */
export const flagsOf = ({ metadata }: common.Block): Uint8Array => metadata?.metadata[TRANSACTIONS_FILTER] ?? NOTHING;

/** The commit hash in slot 4; undefined where there is none. */
export function commitHashOf({ metadata }: common.Block): Uint8Array | undefined {
  const slot = metadata?.metadata[COMMIT_HASH] ?? NOTHING;
  const { value } = common.Metadata.decode(slot);
  return value.length === 0 ? undefined : value;
}

export interface Outcome {
  readonly prepared: Pick<PreparedCommit, 'flags' | 'updateBytes'>;
  /** Of the block before. */
  readonly previous: Uint8Array | undefined;
}

/**
 * The commit hash a block gets: only block 1 begins a chain of them, so a ledger that began without never gets one.
 * @see addBlockCommitHash in hyperledger/fabric v2.5, core/ledger/kvledger/kv_ledger.go
 */
export function nextCommitHash(number: bigint, { prepared, previous }: Outcome): Uint8Array | undefined {
  if (number !== 1n && previous === undefined) return undefined;
  return commitHash({ flags: prepared.flags, updateBytes: prepared.updateBytes, previous });
}

/** The block as it goes into the ledger: final flags in slot 2, the commit hash in slot 4, missing slots empty. */
export function committedBlock(block: common.Block, outcome: Outcome, { metadataSlots, commitHash: wanted }: Compatibility): common.Block {
  if (block.header === undefined) throw new SelvageError('BLOCK_INVALID', 'the block has no header');
  const slots = [...(block.metadata?.metadata ?? [])];
  while (slots.length < metadataSlots) slots.push(NOTHING);
  slots[TRANSACTIONS_FILTER] = outcome.prepared.flags;
  if (wanted) {
    const value = nextCommitHash(block.header.number, outcome);
    slots[COMMIT_HASH] = value === undefined ? NOTHING : common.Metadata.encode({ value });
  }
  return { ...block, metadata: { metadata: slots } };
}
