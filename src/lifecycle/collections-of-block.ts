import { SelvageError } from '../common/errors.ts';
import type { LedgerView } from '../ledger/ledger.ts';
import { lifecycle, protos } from '../protos/messages.ts';
import { ownerOf } from './implicit-collections.ts';
import { LSCC } from './legacy-definitions.ts';
import type { KnownCollection } from './lifecycle-collections.ts';
import { fieldKey, LIFECYCLE } from './records.ts';

/**
 * A collection as it was defined before a block, whatever became of it since; undefined where there was none.
 * @see MostRecentCollectionConfigBelow in hyperledger/fabric v2.5, core/ledger/confighistory/mgr.go
 */
export async function collectionBelow(
  ledger: Pick<LedgerView, 'history'>,
  { namespace, collection }: { readonly namespace: string; readonly collection: string },
  blockNum: bigint,
): Promise<KnownCollection | undefined> {
  const mspId = ownerOf(collection);
  if (mspId !== undefined) return { kind: 'implicit', mspId };
  const field = await newestBelow(ledger, [LIFECYCLE, fieldKey({ area: 'namespaces', name: namespace }, 'Collections')], blockNum);
  const defined = field === undefined ? undefined : decoded(() => lifecycle.StateData.decode(field).bytes);
  const packaged = defined ?? (await newestBelow(ledger, [LSCC, `${namespace}~collection`], blockNum));
  const all = packaged === undefined ? [] : (decoded(() => protos.CollectionConfigPackage.decode(packaged).config) ?? []);
  const config = all.find(({ staticCollectionConfig }) => staticCollectionConfig?.name === collection)?.staticCollectionConfig;
  return config && { kind: 'defined', config };
}

async function newestBelow(
  ledger: Pick<LedgerView, 'history'>,
  [namespace, key]: readonly [string, string],
  blockNum: bigint,
): Promise<Uint8Array | undefined> {
  await using changes = ledger.history(namespace, key, blockNum);
  const newest = await changes.next();
  return newest === undefined || newest.isDelete ? undefined : newest.value;
}

/** What does not decode defines nothing. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
}
