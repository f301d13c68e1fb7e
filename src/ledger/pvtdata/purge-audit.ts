import type { Logger } from '../../common/log.ts';
import { logfmt } from '../../common/logfmt.ts';

/** A private key in one write set that a purge takes it out of. */
export interface PurgedRecord {
  readonly namespace: string;
  readonly collection: string;
  readonly key: string;
  readonly blockNum: bigint;
  /** Index of the transaction that wrote it. */
  readonly index: number;
}

/** Is told what purges take away. It never sees a value. */
export interface PurgeAudit {
  /** Before the record goes; a crash in between makes it go, and be told, once more. */
  going(record: PurgedRecord): void;
  /** After all of them are gone. @param purges how many keys the transactions named, whether or not anything of them was here */
  gone(purges: number, records: number): void;
}

export const UNAUDITED: PurgeAudit = { going: () => undefined, gone: () => undefined };

/**
 * Writes purges down in Fabric's words, which auditors search logs for: in the message as a Go peer's console has them, and as fields.
 * @param parts `log` has the channel among its fields; `keys` is `ledger.pvtdataStore.purgedKeyAuditLogging`: a line for each record
 * @see purgeUpdatesProcessor in hyperledger/fabric v2.5, core/ledger/pvtdatastorage/store.go
 */
export function loggedPurges({
  log,
  channel,
  keys,
}: {
  readonly log: Logger;
  readonly channel: string;
  readonly keys: boolean;
}): PurgeAudit {
  return {
    going: ({ namespace: chaincode, collection, key, blockNum, index: tranNum }) => {
      if (!keys) return;
      const fields = { channel, chaincode, collection, key, blockNum: blockNum.toString(), tranNum };
      log.info(`Purging private data from private data storage ${logfmt(fields)}`, fields);
    },
    gone: (numKeysPurged, numPrivateDataStoreRecordsPurged) => {
      const fields = { channel, numKeysPurged, numPrivateDataStoreRecordsPurged };
      log.info(`Purged private data from private data storage ${logfmt(fields)}`, fields);
    },
  };
}
