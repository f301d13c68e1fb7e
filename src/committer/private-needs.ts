import { readTransaction, type Transaction } from '../ledger/commit/transaction.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { PrivateDataSource, PrivateNeed } from '../privdata/ports/private-data-source.ts';
import { common, protos } from '../protos/messages.ts';
import type { Judged } from './block-validator.ts';

/** What was endorsed here, or sent here by who endorsed it. */
export const fromTransientStore = ({ transient }: Pick<Ledger, 'transient'>): PrivateDataSource => ({
  collect: async (needs) => {
    const found = new Map<number, readonly Uint8Array[]>();
    for (const { txId, index } of needs) {
      const kept = await transient.get(txId);
      found.set(
        index,
        kept.map(({ rwset }) => rwset),
      );
    }
    return found;
  },
});

/**
 * The private writes of a block.
 * @param options `invalid`: those of transactions that are not VALID too
 */
export function privateNeeds(
  { block, flags, transactions }: Judged,
  { invalid: wantsInvalid }: { readonly invalid: boolean },
): readonly PrivateNeed[] {
  return (block.data?.data ?? []).flatMap((envelope, index) => {
    const invalid = flags[index] !== protos.TxValidationCode.VALID;
    if (invalid && !wantsInvalid) return [];
    const transaction = transactions[index] ?? (invalid ? readTransaction(envelope).transaction : undefined);
    const collections = transaction === undefined ? [] : neededOf(transaction);
    if (transaction === undefined || collections.length === 0) return [];
    const { txId } = transaction;
    return [{ txId, blockNum: block.header?.number ?? 0n, index, invalid, endorsers: endorsersIn(envelope), collections }];
  });
}

const neededOf = ({ namespaces }: Transaction): PrivateNeed['collections'] =>
  namespaces.flatMap(({ namespace, collections }) =>
    collections
      .filter(({ pvtRwsetHash }) => pvtRwsetHash.length > 0)
      .map(({ collection, pvtRwsetHash: hash }) => ({ namespace, collection, hash })),
  );

/** Of a transaction whose sets could be read. */
function endorsersIn(envelope: Uint8Array): readonly Uint8Array[] {
  const [action] = protos.Transaction.decode(common.Payload.decode(common.Envelope.decode(envelope).payload).data).actions;
  if (action === undefined) return [];
  return (protos.ChaincodeActionPayload.decode(action.payload).action?.endorsements ?? []).map(({ endorser }) => endorser);
}
