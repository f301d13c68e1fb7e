import { SelvageError } from '../../common/errors.ts';
import { findConflict } from './mvcc.ts';
import { Preparation } from './preparation.ts';
import type { CommitParts, PreparedCommit } from './prepared.ts';

/**
 * Decides the order-dependent half of a block: looks at every transaction that is VALID so far, in order, turns stale reads
 * into MVCC_READ_CONFLICT and phantoms into PHANTOM_READ_CONFLICT, and collects what the others do to the state. Changes
 * nothing. What a transaction holds never makes it throw: a broken one gets NIL_TXACTION or INVALID_OTHER_REASON.
 * @throws what the snapshot or a source throws, and {SelvageError} `BLOCK_INVALID` for a block without header or data, or with
 *   another number of flags than transactions
 * @see validateAndPrepareBatch in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/validator.go
 */
export async function prepareCommit(parts: CommitParts): Promise<PreparedCommit> {
  return new Preparation(parts, findConflict).run();
}

/**
 * The same without MVCC: applies what the flags say is VALID. For the genesis block and for recovery.
 * @throws {SelvageError} `LEDGER_CORRUPT` when a transaction that was found valid cannot be read
 */
export async function replayUpdates(parts: Omit<CommitParts, 'txIdAt'>): Promise<PreparedCommit> {
  const prepared = await new Preparation(parts, async () => undefined).run();
  const [refused] = prepared.reasons;
  if (refused === undefined) return prepared;
  const details = { block: String(parts.block.header?.number), index: refused.index };
  throw new SelvageError('LEDGER_CORRUPT', `a transaction that was committed as valid cannot be read: ${refused.message}`, { details });
}
