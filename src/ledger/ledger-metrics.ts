import { FABRIC_BUCKETS, type Gauge, type Histogram, type Metrics } from '../common/metrics.ts';

/** What takes how long while a block is committed, and how far the ledger has come. */
export interface LedgerMetrics {
  readonly height: Gauge;
  /** Checks of versions and ranges against the state. */
  readonly processing: Histogram;
  /** Private data and the block file, synced. */
  readonly storing: Histogram;
  /** The block file alone. */
  readonly blockFile: Histogram;
  readonly state: Histogram;
  /** Private data that the block makes obsolete. */
  readonly purge: Histogram;
}

const BUCKETS: readonly number[] = [0.005, 0.01, 0.015, 0.05, 0.1, 1, 10];

/** @see core/ledger/kvledger/metrics.go and common/ledger/blkstorage/metrics.go in hyperledger/fabric v2.5 */
export function ledgerMetrics(metrics: Metrics, channel: string): LedgerMetrics {
  const seconds = (name: string, help: string): Histogram => metrics.histogram(`ledger_${name}`, help, { channel }, BUCKETS);
  return {
    height: metrics.gauge('ledger_blockchain_height', 'Height of the chain in blocks.', { channel }),
    processing: seconds('block_processing_time', 'Time taken in seconds for ledger block processing.'),
    storing: seconds('blockstorage_and_pvtdata_commit_time', 'Time taken in seconds for committing the block and private data to storage.'),
    blockFile: seconds('blockstorage_commit_time', 'Time taken in seconds for committing the block to storage.'),
    purge: metrics.histogram('gossip_privdata_purge_duration', 'Seconds to remove what a block purges.', { channel }, FABRIC_BUCKETS),
    state: seconds('statedb_commit_time', 'Time taken in seconds for committing block changes to state db.'),
  };
}
