import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { hex, sha256, utf8 } from '../../common/bytes.ts';
import { kvrwset, rwset } from '../../protos/messages.ts';
import { keyHash } from './private-namespaces.ts';
import { RwsetBuilder } from './rwset-builder.ts';

const at = (blockNum: bigint, txNum: bigint) => ({ blockNum, txNum });

/** The first namespace's public part, decoded. */
function firstNamespace(builder: RwsetBuilder): { kv: kvrwset.KVRWSet; set: rwset.NsReadWriteSet } {
  const [set] = rwset.TxReadWriteSet.decode(builder.build().publicRwset).nsRwset;
  if (set === undefined) throw new Error('no namespace was recorded');
  return { kv: kvrwset.KVRWSet.decode(set.rwset), set };
}

function firstCollection(builder: RwsetBuilder): { hashed: kvrwset.HashedRWSet; set: rwset.CollectionHashedReadWriteSet } {
  const [set] = firstNamespace(builder).set.collectionHashedRwset;
  if (set === undefined) throw new Error('no collection was recorded');
  return { hashed: kvrwset.HashedRWSet.decode(set.hashedRwset), set };
}

describe('a read-write set', () => {
  it('has Fabric bytes: sorted, absent versions left out, version (0,0) present, an empty value a delete', () => {
    const builder = new RwsetBuilder();
    builder.addRead('mycc', 'b', at(1n, 0n));
    builder.addRead('mycc', 'a', undefined);
    builder.addRead('lscc', 'mycc', at(0n, 0n));
    builder.addWrite('mycc', 'z', undefined);
    builder.addWrite('mycc', 'a', utf8('100'));
    builder.addWrite('mycc', 'B', new Uint8Array());
    expect(hex(builder.build().publicRwset)).toBe(
      '12120a046c736363120a0a080a046d7963631200122e0a046d79636312260a030a01610a070a0162120208011a050a014210011a080a01611a033130301a050a017a1001',
    );
  });

  it('has Fabric bytes for metadata: names sorted, no entries for a delete', () => {
    const builder = new RwsetBuilder();
    builder.addMetadataWrite('mycc', 'k', new Map([['VALIDATION_PARAMETER', Uint8Array.of(1, 2)]]));
    builder.addMetadataWrite('mycc', 'j', new Map());
    expect(hex(builder.build().publicRwset)).toBe(
      '122e0a046d796363122622030a016a221f0a016b121a0a1456414c49444154494f4e5f504152414d4554455212020102',
    );
    builder.addMetadataWrite(
      'mycc',
      'k',
      new Map([
        ['b', utf8('2')],
        ['a', utf8('1')],
      ]),
    );
    expect(firstNamespace(builder).kv.metadataWrites[1]?.entries.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('has Fabric bytes for private writes and their hash', () => {
    const builder = new RwsetBuilder();
    builder.addPrivateWrite('mycc', 'coll1', 'k2', utf8('v2'));
    builder.addPrivateWrite('mycc', 'coll1', 'k1', undefined);
    const { privateRwset, privateCollections } = builder.build();
    expect(hex(privateRwset ?? new Uint8Array())).toBe('12230a046d796363121b0a05636f6c6c3112121a060a026b3110011a080a026b321a027632');
    expect(privateCollections).toEqual([{ namespace: 'mycc', collection: 'coll1' }]);
    const { hashed, set } = firstCollection(builder);
    expect(hex(set.pvtRwsetHash)).toBe('48228915f2f2f6027282c9b22a3cf392ba4a765f6e870c5b18023966428991c5');
    expect(firstNamespace(builder).set.rwset).toHaveLength(0);
    expect(hashed.hashedWrites).toEqual([
      { keyHash: Buffer.from(keyHash('k1')), isDelete: true, valueHash: new Uint8Array(), isPurge: false },
      { keyHash: Buffer.from(keyHash('k2')), isDelete: false, valueHash: Buffer.from(sha256(utf8('v2'))), isPurge: false },
    ]);
  });

  it('is empty when nothing was done', () => {
    expect(new RwsetBuilder().build()).toEqual({ publicRwset: new Uint8Array(), privateRwset: undefined, privateCollections: [] });
  });

  it('orders hashed entries by their plain keys', () => {
    const builder = new RwsetBuilder();
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const key of keys.toReversed()) {
      builder.addHashedRead('mycc', 'coll', key, undefined);
      builder.addPrivateWrite('mycc', 'coll', key, utf8('v'));
      builder.addPrivateMetadataWrite('mycc', 'coll', key, new Map([['n', utf8('v')]]));
    }
    const { hashed } = firstCollection(builder);
    const expected = keys.map((key) => hex(keyHash(key)));
    expect(expected).not.toEqual(expected.toSorted());
    expect(hashed.hashedReads.map((read) => hex(read.keyHash))).toEqual(expected);
    expect(hashed.hashedWrites.map((write) => hex(write.keyHash))).toEqual(expected);
    expect(hashed.metadataWrites.map((write) => hex(write.keyHash))).toEqual(expected);
  });

  it('has no hash of private writes where there were reads only', () => {
    const builder = new RwsetBuilder();
    builder.addHashedRead('mycc', 'coll', 'k', at(3n, 1n));
    expect(builder.build().privateRwset).toBeUndefined();
    expect(firstCollection(builder).set.pvtRwsetHash).toHaveLength(0);
  });

  it('tells members which key a purge and a metadata write concern, and nothing more', () => {
    const builder = new RwsetBuilder();
    builder.addPrivatePurge('mycc', 'coll', 'gone');
    builder.addPrivateMetadataWrite('mycc', 'coll', 'guarded', new Map([['n', utf8('v')]]));
    const { hashed } = firstCollection(builder);
    expect(hashed.hashedWrites).toMatchObject([{ isDelete: true, isPurge: true }]);
    expect(hashed.metadataWrites[0]?.entries).toHaveLength(1);
    const { nsPvtRwset } = rwset.TxPvtReadWriteSet.decode(builder.build().privateRwset ?? new Uint8Array());
    expect(kvrwset.KVRWSet.decode(nsPvtRwset[0]?.collectionPvtRwset[0]?.rwset ?? new Uint8Array())).toMatchObject({
      reads: [],
      writes: [{ key: 'gone', isDelete: true }],
      metadataWrites: [{ key: 'guarded', entries: [] }],
    });
  });

  it('keeps the last write, the last read version, and one of equal range queries, in the order they were made', () => {
    const builder = new RwsetBuilder();
    builder.addRead('mycc', 'k', at(1n, 0n));
    builder.addRead('mycc', 'k', at(2n, 0n));
    builder.addWrite('mycc', 'k', utf8('1'));
    builder.addWrite('mycc', 'k', undefined);
    for (const startKey of ['m', 'a', 'm']) builder.addRangeQuery('mycc', { startKey, endKey: 'z', itrExhausted: true });
    builder.addRangeQuery('mycc', { startKey: 'm', endKey: 'z', itrExhausted: true, rawReads: { kvReads: [{ key: 'later' }] } });
    builder.addRangeQuery('mycc', { startKey: 'm', endKey: 'z', itrExhausted: false });
    const { kv } = firstNamespace(builder);
    expect(kv.reads).toEqual([{ key: 'k', version: at(2n, 0n) }]);
    expect(kv.writes).toMatchObject([{ key: 'k', isDelete: true }]);
    expect(kv.rangeQueriesInfo.map(({ rawReads }) => rawReads)).toEqual([undefined, undefined, undefined]);
    expect(kv.rangeQueriesInfo.map(({ startKey, itrExhausted }) => [startKey, itrExhausted])).toEqual([
      ['m', true],
      ['a', true],
      ['m', false],
    ]);
  });

  it('does not depend on the order of calls, and sorts by UTF-8 bytes', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'é', '\u{ffff}', '\u{e000}', '\u{1f600}', '\u{10ffff}', '\0'), maxLength: 4 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, name, name), { selector: JSON.stringify, maxLength: 30 }), (calls) => {
        const record = (list: typeof calls) => {
          const builder = new RwsetBuilder();
          for (const [namespace, collection, key] of list) {
            builder.addRead(namespace, key, undefined);
            builder.addWrite(namespace, key, utf8('v'));
            builder.addPrivateWrite(namespace, collection, key, utf8('v'));
          }
          return builder.build();
        };
        const built = record(calls);
        expect(record(calls.toReversed())).toEqual(built);
        const sets = rwset.TxReadWriteSet.decode(built.publicRwset).nsRwset;
        expectSorted(sets.map(({ namespace }) => namespace));
        for (const set of sets) {
          expectSorted(kvrwset.KVRWSet.decode(set.rwset).reads.map(({ key }) => key));
          expectSorted(kvrwset.KVRWSet.decode(set.rwset).writes.map(({ key }) => key));
          expectSorted(set.collectionHashedRwset.map(({ collectionName }) => collectionName));
        }
      }),
      { numRuns: runs(50) },
    );
  });
});

const expectSorted = (keys: readonly string[]): void => {
  expect(keys).toEqual(keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
};
