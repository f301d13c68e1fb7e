import { compareUtf8 } from '../../common/bytes.ts';
import { kvrwset, type rwset } from '../../protos/messages.ts';
import type { Version } from '../version.ts';
import { byKey, CollectionRwset, kvWrite } from './collection-rwset.ts';
import { sortedEntries } from './metadata.ts';

/** What one transaction read and wrote in one namespace. */
export class NamespaceRwset {
  readonly #reads = new Map<string, kvrwset.KVReadInit>();
  readonly #writes = new Map<string, kvrwset.KVWriteInit>();
  readonly #metadataWrites = new Map<string, kvrwset.KVMetadataWriteInit>();
  readonly #rangeQueries = new Map<string, kvrwset.RangeQueryInfoInit>();
  readonly #collections = new Map<string, CollectionRwset>();

  read(key: string, version: Version | undefined): void {
    this.#reads.set(key, { key, version });
  }

  write(key: string, value: Uint8Array | undefined): void {
    this.#writes.set(key, kvWrite(key, value));
  }

  writeMetadata(key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#metadataWrites.set(key, { key, entries: sortedEntries(entries) });
  }

  /** Range queries keep the order they were made in; of those with equal bounds and end the first stays. */
  rangeQuery(query: kvrwset.RangeQueryInfoInit): void {
    const identity = JSON.stringify([query.startKey ?? '', query.endKey ?? '', query.itrExhausted ?? false]);
    if (!this.#rangeQueries.has(identity)) this.#rangeQueries.set(identity, query);
  }

  collection(name: string): CollectionRwset {
    const known = this.#collections.get(name) ?? new CollectionRwset();
    this.#collections.set(name, known);
    return known;
  }

  keysToWrite(): readonly { readonly collection: string | undefined; readonly key: string }[] {
    const open = new Set([...this.#writes.keys(), ...this.#metadataWrites.keys()]);
    const keys: { readonly collection: string | undefined; readonly key: string }[] = [];
    for (const key of open) keys.push({ collection: undefined, key });
    for (const [collection, recorded] of this.#collections) for (const key of recorded.keysToWrite()) keys.push({ collection, key });
    return keys;
  }

  /** The public part; its `rwset` is empty where only private things happened. */
  publicPart(namespace: string): rwset.NsReadWriteSetInit {
    const collections = this.#sortedCollections();
    return {
      namespace,
      rwset: kvrwset.KVRWSet.encode({
        reads: byKey(this.#reads),
        rangeQueriesInfo: [...this.#rangeQueries.values()],
        writes: byKey(this.#writes),
        metadataWrites: byKey(this.#metadataWrites),
      }),
      collectionHashedRwset: collections.map(([name, collection]) => collection.hashed(name)),
    };
  }

  /** Plain private write sets by collection name, in order; empty when nothing private was written. */
  privatePart(): rwset.CollectionPvtReadWriteSetInit[] {
    return this.#sortedCollections().flatMap(([collectionName, collection]) => {
      const plain = collection.plain();
      return plain === undefined ? [] : [{ collectionName, rwset: plain }];
    });
  }

  #sortedCollections(): [string, CollectionRwset][] {
    return [...this.#collections].sort(([a], [b]) => compareUtf8(a, b));
  }
}
