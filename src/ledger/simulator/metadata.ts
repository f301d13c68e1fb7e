import { compareUtf8 } from '../../common/bytes.ts';
import { kvrwset } from '../../protos/messages.ts';

/** Entries as they are recorded: by name, in the order of their bytes. */
export const sortedEntries = (entries: ReadonlyMap<string, Uint8Array>): kvrwset.KVMetadataEntryInit[] =>
  [...entries].sort(([a], [b]) => compareUtf8(a, b)).map(([name, value]) => ({ name, value }));

/**
 * Metadata as the state keeps it: an encoded `KVMetadataWrite` without its key; undefined when there are no entries.
 * @see Serialize in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/statemetadata
 */
export const encodeMetadata = (entries: readonly kvrwset.KVMetadataEntryInit[]): Uint8Array | undefined =>
  entries.length === 0 ? undefined : kvrwset.KVMetadataWrite.encode({ entries });

/** The inverse of {@link encodeMetadata}: values by name, empty when there is none. */
export function decodeMetadata(metadata: Uint8Array | undefined): ReadonlyMap<string, Uint8Array> {
  if (metadata === undefined) return new Map();
  return new Map(kvrwset.KVMetadataWrite.decode(metadata).entries.map(({ name, value }) => [name, value]));
}
