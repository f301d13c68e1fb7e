import { compareUtf8 } from '../../common/bytes.ts';
import { type kvrwset, rwset } from '../../protos/messages.ts';
import type { Version } from '../version.ts';
import type { CollectionRwset } from './collection-rwset.ts';
import { NamespaceRwset } from './namespace-rwset.ts';
import type { SimulationResult } from './tx-simulator.ts';

/** A key that is to be written, value or metadata. */
export interface KeyToWrite {
  readonly namespace: string;
  /** Undefined for the public state. */
  readonly collection: string | undefined;
  readonly key: string;
}

/**
 * Collects what one transaction read and wrote and gives the bytes every honest endorser gives: sorted by UTF-8 bytes,
 * one entry per key, the last call for a key wins. A namespace appears as soon as anything was recorded in it.
 * @see RWSetBuilder in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/rwsetutil/rwset_builder.go
 */
export class RwsetBuilder {
  readonly #namespaces = new Map<string, NamespaceRwset>();

  /** @param version undefined for a key that is not there */
  addRead(namespace: string, key: string, version: Version | undefined): void {
    this.#namespace(namespace).read(key, version);
  }

  /** @param value undefined or empty deletes */
  addWrite(namespace: string, key: string, value: Uint8Array | undefined): void {
    this.#namespace(namespace).write(key, value);
  }

  /** @param entries none deletes the key's metadata */
  addMetadataWrite(namespace: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#namespace(namespace).writeMetadata(key, entries);
  }

  addRangeQuery(namespace: string, query: kvrwset.RangeQueryInfoInit): void {
    this.#namespace(namespace).rangeQuery(query);
  }

  /** @param version of the key's hash */
  addHashedRead(namespace: string, collection: string, key: string, version: Version | undefined): void {
    this.#collection(namespace, collection).read(key, version);
  }

  /** @param value undefined or empty deletes */
  addPrivateWrite(namespace: string, collection: string, key: string, value: Uint8Array | undefined): void {
    this.#collection(namespace, collection).write(key, value);
  }

  addPrivatePurge(namespace: string, collection: string, key: string): void {
    this.#collection(namespace, collection).purge(key);
  }

  addPrivateMetadataWrite(namespace: string, collection: string, key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#collection(namespace, collection).writeMetadata(key, entries);
  }

  /** That anything was recorded in. */
  namespaces(): readonly string[] {
    return [...this.#namespaces.keys()];
  }

  keysToWrite(): readonly KeyToWrite[] {
    return [...this.#namespaces].flatMap(([namespace, recorded]) => recorded.keysToWrite().map((key) => ({ namespace, ...key })));
  }

  build(): Omit<SimulationResult, 'touched'> {
    const sorted = [...this.#namespaces].sort(([a], [b]) => compareUtf8(a, b));
    const nsPvtRwset = sorted
      .map(([namespace, recorded]) => ({ namespace, collectionPvtRwset: recorded.privatePart() }))
      .filter(({ collectionPvtRwset }) => collectionPvtRwset.length > 0);
    return {
      publicRwset: rwset.TxReadWriteSet.encode({ nsRwset: sorted.map(([namespace, recorded]) => recorded.publicPart(namespace)) }),
      privateRwset: nsPvtRwset.length === 0 ? undefined : rwset.TxPvtReadWriteSet.encode({ nsPvtRwset }),
      privateCollections: nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
        collectionPvtRwset.map(({ collectionName = '' }) => ({ namespace, collection: collectionName })),
      ),
    };
  }

  #namespace(name: string): NamespaceRwset {
    const known = this.#namespaces.get(name) ?? new NamespaceRwset();
    this.#namespaces.set(name, known);
    return known;
  }

  #collection(namespace: string, collection: string): CollectionRwset {
    return this.#namespace(namespace).collection(collection);
  }
}
