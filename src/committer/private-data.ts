import type { Ledger } from '../ledger/ledger.ts';
import { protos } from '../protos/messages.ts';
import type { Judged } from './block-validator.ts';

/** Private writes of a transaction that was found valid: who can give their plain values is asked for them. */
export interface PrivateNeed {
  readonly txId: string;
  /** Of the transaction in its block. */
  readonly index: number;
  readonly collections: readonly {
    readonly namespace: string;
    readonly collection: string;
    /** SHA-256 of the collection's encoded write set. */
    readonly hash: Uint8Array;
  }[];
}

/** Encoded `rwset.TxPvtReadWriteSet` by the index of their transaction. */
export type PrivateData = ReadonlyMap<number, readonly Uint8Array[]>;

/** Where plain private values come from before their block is committed. What cannot be had is left out: the block does not wait for ever. */
export interface PrivateDataSource {
  /** @throws the signal's reason, or {SelvageError} when this peer's own store cannot be read */
  collect(needs: readonly PrivateNeed[], signal: AbortSignal): Promise<PrivateData>;
}

/** What was endorsed here, or sent here by who endorsed it. */
export const fromTransientStore = ({ transient }: Pick<Ledger, 'transient'>): PrivateDataSource => ({
  collect: async (needs) => {
    const found = new Map<number, readonly Uint8Array[]>();
    for (const { txId, index } of needs)
      found.set(
        index,
        (await transient.get(txId)).map(({ rwset }) => rwset),
      );
    return found;
  },
});

/** The private writes of a block, of those transactions that are valid so far. */
export function privateNeeds({ flags, transactions }: Judged): readonly PrivateNeed[] {
  return transactions.flatMap((transaction, index) => {
    if (transaction === undefined || flags[index] !== protos.TxValidationCode.VALID) return [];
    const collections = transaction.namespaces.flatMap(({ namespace, collections }) =>
      collections
        .filter(({ pvtRwsetHash }) => pvtRwsetHash.length > 0)
        .map(({ collection, pvtRwsetHash: hash }) => ({ namespace, collection, hash })),
    );
    return collections.length === 0 ? [] : [{ txId: transaction.txId, index, collections }];
  });
}
