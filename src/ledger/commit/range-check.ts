import { equalBytes } from '../../common/bytes.ts';
import { type kvrwset, protos } from '../../protos/messages.ts';
import { QueryReads } from '../simulator/query-reads.ts';
import { sameVersion } from '../version.ts';
import { type CombinedEntry, combinedRange } from './combined-range.ts';
import { broken, type Conflict, versionText } from './conflict.ts';
import type { Pace } from './pace.ts';
import { type PendingState, publicSpace } from './pending-state.ts';

export interface RangeCheck {
  readonly state: PendingState;
  readonly pace: Pace;
  readonly namespace: string;
  readonly query: kvrwset.RangeQueryInfo;
}

/**
 * Runs a recorded range query again and compares: a missing, a surplus or a changed result is a phantom.
 * @see rangequery_validator.go in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/validation
 */
export async function checkRange(check: RangeCheck): Promise<Conflict | undefined> {
  const { startKey: start, endKey: end, itrExhausted, readsMerkleHashes } = check.query;
  const results = combinedRange(check.state, publicSpace(check.namespace), { start, end, includeEnd: !itrExhausted });
  if (readsMerkleHashes === undefined) return checkRawReads(check, results);
  if (readsMerkleHashes.maxDegree < 2) return broken('a range query has a Merkle summary of a degree below 2');
  return checkSummary(check, results, readsMerkleHashes);
}

async function checkRawReads(check: RangeCheck, results: AsyncIterable<CombinedEntry>): Promise<Conflict | undefined> {
  const recorded = check.query.rawReads?.kvReads ?? [];
  let at = 0;
  for await (const entry of results) {
    const read = recorded[at];
    at += 1;
    if (read === undefined) return phantom(check, { key: entry.key, versionFound: versionText(entry.version) }, entry);
    if (read.key !== entry.key || !sameVersion(read.version, entry.version)) {
      const found = { key: entry.key, versionFound: versionText(entry.version) };
      return phantom(check, { keyRead: read.key, versionRead: versionText(read.version), ...found }, entry);
    }
    const pause = check.pace.spend(1);
    if (pause !== undefined) await pause;
  }
  const missing = recorded[at];
  return missing && phantom(check, { keyRead: missing.key, versionRead: versionText(missing.version) });
}

async function checkSummary(
  check: RangeCheck,
  results: AsyncIterable<CombinedEntry>,
  recorded: kvrwset.QueryReadsMerkleSummary,
): Promise<Conflict | undefined> {
  const reads = new QueryReads({ maxDegree: recorded.maxDegree });
  for await (const { key, version } of results) {
    reads.add({ key, version });
    if (!canStillMatch(reads, recorded)) return phantom(check, { key });
    const pause = check.pace.spend(1);
    if (pause !== undefined) await pause;
  }
  const { readsMerkleHashes: found } = reads.finish();
  const same =
    found !== undefined && found.maxLevel === recorded.maxLevel && sameHashes(found.maxLevelHashes ?? [], recorded.maxLevelHashes);
  return same ? undefined : phantom(check, {});
}

/** Stops a scan early: a summary that already went beyond the recorded one never comes back to it. */
function canStillMatch(reads: QueryReads, recorded: kvrwset.QueryReadsMerkleSummary): boolean {
  const { level, hashes } = reads.top;
  if (level !== recorded.maxLevel) return level < recorded.maxLevel;
  const last = hashes.length - 1;
  return hashes.length <= recorded.maxLevelHashes.length && sameHash(hashes[last], recorded.maxLevelHashes[last]);
}

const sameHashes = (a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean =>
  a.length === b.length && a.every((hash, at) => sameHash(hash, b[at]));

const sameHash = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equalBytes(a, b);

function phantom({ namespace, query }: RangeCheck, details: Conflict['details'], entry?: CombinedEntry): Conflict {
  const writtenBy = entry?.writtenBy;
  return {
    code: protos.TxValidationCode.PHANTOM_READ_CONFLICT,
    message: `a range query in ${namespace} would have other results now`,
    details: {
      namespace,
      startKey: query.startKey,
      endKey: query.endKey,
      ...details,
      ...(writtenBy !== undefined && { writtenBy }),
    },
    found: entry?.version,
  };
}
