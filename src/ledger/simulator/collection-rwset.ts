import { compareUtf8, sha256 } from '../../common/bytes.ts';
import { kvrwset, type rwset } from '../../protos/messages.ts';
import type { Version } from '../version.ts';
import { sortedEntries } from './metadata.ts';
import { keyHash } from './private-namespaces.ts';

/** The values of a map, in the order of their keys' UTF-8 bytes. */
export const byKey = <T>(map: ReadonlyMap<string, T>): T[] => [...map].sort(([a], [b]) => compareUtf8(a, b)).map(([, value]) => value);

/** A write as it is recorded; an empty value is a delete. */
export const kvWrite = (key: string, value: Uint8Array | undefined): kvrwset.KVWriteInit =>
  value === undefined || value.length === 0 ? { key, isDelete: true } : { key, value };

/** What one transaction did to one private collection: hashes for everybody, plain writes for the members. All keyed by plain key. */
export class CollectionRwset {
  readonly #reads = new Map<string, kvrwset.KVReadHashInit>();
  readonly #hashedWrites = new Map<string, kvrwset.KVWriteHashInit>();
  readonly #hashedMetadata = new Map<string, kvrwset.KVMetadataWriteHashInit>();
  readonly #plainWrites = new Map<string, kvrwset.KVWriteInit>();
  readonly #plainMetadata = new Map<string, kvrwset.KVMetadataWriteInit>();

  read(key: string, version: Version | undefined): void {
    this.#reads.set(key, { keyHash: keyHash(key), version });
  }

  write(key: string, value: Uint8Array | undefined): void {
    const plain = kvWrite(key, value);
    this.#plainWrites.set(key, plain);
    this.#hashedWrites.set(key, {
      keyHash: keyHash(key),
      isDelete: plain.isDelete,
      valueHash: plain.value === undefined ? undefined : sha256(plain.value),
    });
  }

  purge(key: string): void {
    this.#plainWrites.set(key, kvWrite(key, undefined));
    this.#hashedWrites.set(key, { keyHash: keyHash(key), isDelete: true, isPurge: true });
  }

  /** The plain set names only the key: members must know whose version rises. */
  writeMetadata(key: string, entries: ReadonlyMap<string, Uint8Array>): void {
    this.#plainMetadata.set(key, { key });
    this.#hashedMetadata.set(key, { keyHash: keyHash(key), entries: sortedEntries(entries) });
  }

  keysToWrite(): ReadonlySet<string> {
    return new Set([...this.#plainWrites.keys(), ...this.#plainMetadata.keys()]);
  }

  /** `kvrwset.KVRWSet` bytes of the plain writes, undefined when there are none; reads never appear there. */
  plain(): Uint8Array | undefined {
    if (this.#plainWrites.size === 0 && this.#plainMetadata.size === 0) return undefined;
    return kvrwset.KVRWSet.encode({ writes: byKey(this.#plainWrites), metadataWrites: byKey(this.#plainMetadata) });
  }

  hashed(collectionName: string): rwset.CollectionHashedReadWriteSetInit {
    const plain = this.plain();
    const hashedRwset = kvrwset.HashedRWSet.encode({
      hashedReads: byKey(this.#reads),
      hashedWrites: byKey(this.#hashedWrites),
      metadataWrites: byKey(this.#hashedMetadata),
    });
    return { collectionName, hashedRwset, pvtRwsetHash: plain === undefined ? undefined : sha256(plain) };
  }
}
