import { describe, expect, it } from 'vitest';
import { keyHash } from '../simulator/private-namespaces.ts';
import { purgesOf } from './private-writes.ts';
import type { Transaction } from './transaction.ts';

const purgeOf = (key: string) => ({
  keyHash: Buffer.from(keyHash(key)),
  isDelete: true,
  isPurge: true,
  valueHash: Buffer.alloc(0),
});

const purging = (...keys: string[]) => ({
  collection: 'coll',
  hashed: { hashedReads: [], hashedWrites: keys.map(purgeOf), metadataWrites: [] },
  pvtRwsetHash: Buffer.alloc(0),
});

describe('purges of a transaction', () => {
  it('count once for a key, however often and wherever it is named', () => {
    const transaction: Transaction = {
      txId: 'tx',
      timestamp: undefined,
      endorsed: true,
      namespaces: [
        {
          namespace: 'cc',
          kv: { reads: [], rangeQueriesInfo: [], writes: [], metadataWrites: [] },
          collections: [purging('a', 'a', 'b', 'a'), purging('a')],
        },
      ],
    };
    const version = { blockNum: 7n, txNum: 3n };
    expect(purgesOf(transaction, version)).toEqual(
      ['a', 'b'].map((key) => ({ namespace: 'cc', collection: 'coll', keyHash: Buffer.from(keyHash(key)), version })),
    );
  });
});
