import { describe, expect, it } from 'vitest';
import { sha256, utf8 } from '../../common/bytes.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import { keyHash } from '../simulator/private-namespaces.ts';
import { matchPrivateWrites, purgesOf } from './private-writes.ts';
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

const plainSet = (key: string): Uint8Array => kvrwset.KVRWSet.encode({ writes: [{ key, value: utf8('v') }] });

const atHand = (...sets: readonly (readonly [collection: string, set: Uint8Array])[]): Uint8Array[] =>
  sets.map(([collectionName, set]) =>
    rwset.TxPvtReadWriteSet.encode({ nsPvtRwset: [{ namespace: 'cc', collectionPvtRwset: [{ collectionName, rwset: set }] }] }),
  );

const writing = (...collections: readonly (readonly [collection: string, hash: Uint8Array, key: string])[]): Transaction => ({
  txId: 'tx',
  timestamp: undefined,
  endorsed: true,
  namespaces: [
    {
      namespace: 'cc',
      kv: { reads: [], rangeQueriesInfo: [], writes: [], metadataWrites: [] },
      collections: collections.map(([collection, pvtRwsetHash, key]) => ({
        collection,
        pvtRwsetHash,
        hashed: {
          hashedReads: [],
          hashedWrites: [{ keyHash: keyHash(key), isDelete: false, isPurge: false, valueHash: sha256(utf8('v')) }],
          metadataWrites: [],
        },
      })),
    },
  ],
});

describe('private writes of a transaction', () => {
  const set = plainSet('k');

  it('are taken once for a collection, however often it is named', () => {
    const transaction = writing(...Array.from({ length: 1_000 }, () => ['coll', sha256(set), 'k'] as const));
    for (const partial of [false, true])
      expect(matchPrivateWrites(transaction, atHand(['coll', set]), { partial })).toEqual([
        { namespace: 'cc', collection: 'coll', rwset: Buffer.from(set) },
      ]);
  });

  it('are missing once where a collection is named with different hashes, also when the state is made again', () => {
    const transaction = writing(['coll', sha256(set), 'k'], ['coll', sha256(plainSet('other')), 'other']);
    for (const partial of [false, true])
      expect(matchPrivateWrites(transaction, atHand(['coll', set], ['coll', plainSet('other')]), { partial })).toEqual([
        { namespace: 'cc', collection: 'coll', rwset: undefined },
      ]);
  });

  it('are looked for among what is at hand once, whatever the number of collections', () => {
    const names = Array.from({ length: 100 }, (_, at) => `coll${at}`);
    const candidates = atHand(...names.map((name) => [name, set] as const));
    let passes = 0;
    const { flatMap } = Array.prototype;
    Object.assign(candidates, {
      flatMap: (each: (bytes: Uint8Array) => unknown[]) => {
        passes += 1;
        return flatMap.call(candidates, each);
      },
    });
    const cut = writing(...names.map((name) => [name, sha256(utf8('before a purge')), 'k'] as const));
    const found = matchPrivateWrites(cut, candidates, { partial: true });
    expect([found.length, found.every(({ rwset }) => rwset !== undefined), passes]).toEqual([100, true, 1]);
  });
});
