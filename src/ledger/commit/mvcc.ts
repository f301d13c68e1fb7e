import { hex } from '../../common/bytes.ts';
import { protos } from '../../protos/messages.ts';
import { stateKeyOfHash } from '../simulator/private-namespaces.ts';
import { sameVersion, type Version } from '../version.ts';
import { type Conflict, versionText } from './conflict.ts';
import { batches, type Pace } from './pace.ts';
import { hashedSpace, type PendingState, publicSpace, type Space } from './pending-state.ts';
import { checkRange } from './range-check.ts';
import type { NamespaceReadsWrites, Transaction } from './transaction.ts';

export interface MvccParts {
  readonly state: PendingState;
  readonly pace: Pace;
}

/** A recorded read: the key as the state has it, and the version that was seen. */
interface Read {
  readonly key: string;
  readonly version: Version | undefined;
}

/** A read whose key has another version now. */
interface StaleRead extends Read {
  readonly found: Version | undefined;
  /** The transaction of this block that touched the key. */
  readonly writtenBy: string | undefined;
}

/**
 * Whether everything the transaction read is still so, with the block's earlier valid transactions applied.
 * @returns the first thing that is not: namespaces as recorded, in each the reads, the range queries, then the hashed reads
 * @see validateTx in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation/validator.go
 */
export async function findConflict({ namespaces }: Transaction, parts: MvccParts): Promise<Conflict | undefined> {
  for (const part of namespaces) {
    const conflict = (await checkReads(part, parts)) ?? (await checkRanges(part, parts)) ?? (await checkHashedReads(part, parts));
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}

async function checkReads({ namespace, kv }: NamespaceReadsWrites, parts: MvccParts): Promise<Conflict | undefined> {
  const stale = await findStale(publicSpace(namespace), kv.reads, parts);
  return stale && conflictOf(stale, `key ${stale.key} of ${namespace}`, { namespace, key: stale.key });
}

async function checkRanges({ namespace, kv }: NamespaceReadsWrites, { state, pace }: MvccParts): Promise<Conflict | undefined> {
  for (const query of kv.rangeQueriesInfo) {
    const conflict = await checkRange({ state, pace, namespace, query });
    if (conflict !== undefined) return conflict;
  }
  return undefined;
}

async function checkHashedReads({ namespace, collections }: NamespaceReadsWrites, parts: MvccParts): Promise<Conflict | undefined> {
  for (const { collection, hashed } of collections) {
    const reads = hashed.hashedReads.map(({ keyHash, version }) => ({ key: stateKeyOfHash(keyHash), version }));
    const stale = await findStale(hashedSpace(namespace, collection), reads, parts);
    if (stale === undefined) continue;
    const keyHash = hex(Buffer.from(stale.key, 'latin1'));
    return conflictOf(stale, `key hash ${keyHash} of collection ${collection} of ${namespace}`, { namespace, collection, keyHash });
  }
  return undefined;
}

async function findStale(space: Space, reads: readonly Read[], { state, pace }: MvccParts): Promise<StaleRead | undefined> {
  const updates = state.updatesOf(space);
  for (const batch of batches(reads)) {
    const known = state.committed(
      space,
      batch.map(({ key }) => key),
    );
    const committed = known instanceof Promise ? await known : known;
    for (const read of batch) {
      const update = updates?.get(read.key);
      if (update !== undefined) return { ...read, found: update.value && update.version, writtenBy: update.txId };
      const found = committed.get(read.key)?.version;
      if (!sameVersion(read.version, found)) return { ...read, found, writtenBy: undefined };
    }
    const pause = pace.spend(batch.length);
    if (pause !== undefined) await pause;
  }
  return undefined;
}

function conflictOf({ version, found, writtenBy }: StaleRead, what: string, where: Conflict['details']): Conflict {
  const versionRead = versionText(version);
  const versionFound = versionText(found);
  return {
    code: protos.TxValidationCode.MVCC_READ_CONFLICT,
    message: `${what} was read at version ${versionRead} and is at ${versionFound} now`,
    details: { ...where, versionRead, versionFound, ...(writtenBy !== undefined && { writtenBy }) },
    found,
  };
}
