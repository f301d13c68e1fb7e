import type { Version } from '../version.ts';
import { writtenValue } from './apply-writes.ts';
import type { HistoryWrite } from './prepared.ts';
import type { Transaction } from './transaction.ts';

const NOTHING = new Uint8Array();

/** The public writes of a transaction, deletes included, each key once; of several writes the last stands. */
export const historyOf = ({ txId, timestamp, namespaces }: Transaction, version: Version): HistoryWrite[] =>
  namespaces.flatMap(({ namespace, kv }) => {
    const last = new Map(kv.writes.map((write) => [write.key, writtenValue(write)]));
    return [...last].map(([key, value]) => ({
      namespace,
      key,
      version,
      txId,
      timestamp,
      isDelete: value === undefined,
      value: value ?? NOTHING,
    }));
  });
