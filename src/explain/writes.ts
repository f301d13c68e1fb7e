import { hex } from '../common/bytes.ts';
import { writtenValue } from '../ledger/commit/apply-writes.ts';
import { readTransaction } from '../ledger/commit/transaction.ts';
import { bytesText, keyText, plain } from './shown.ts';

/** What a transaction writes, one line for each key; nothing for what cannot be read. */
export function writesOf(envelope: Uint8Array): readonly string[] {
  const { transaction } = readTransaction(envelope);
  if (transaction?.endorsed !== true) return [];
  return transaction.namespaces.flatMap(({ namespace, kv, collections }) => [
    ...kv.writes.map((write) => {
      const value = writtenValue(write);
      return `${keyText(write.key)} of ${plain(namespace)}${value === undefined ? ' deleted' : ` = ${bytesText(value)}`}`;
    }),
    ...kv.metadataWrites.map(({ key }) => `policy of key ${keyText(key)} of ${plain(namespace)}`),
    ...collections.flatMap(({ collection, hashed }) =>
      hashed.hashedWrites.map(
        ({ keyHash, isDelete }) =>
          `key with hash ${hex(keyHash).slice(0, 16)}… of collection ${plain(collection)} of ${plain(namespace)}${isDelete ? ' deleted' : ''}`,
      ),
    ),
  ]);
}
