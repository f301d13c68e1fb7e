import { kvrwset, rwset } from '../../protos/messages.ts';
import type { ValidationRules } from './rules.ts';

/** What one transaction read and wrote in one namespace, parsed in full. */
export interface NamespaceSet {
  readonly namespace: string;
  readonly public: kvrwset.KVRWSet;
  readonly collections: readonly {
    readonly name: string;
    readonly hashed: kvrwset.HashedRWSet;
    /** SHA-256 of the encoded private write set; empty where nothing private was written. */
    readonly pvtRwsetHash: Uint8Array;
  }[];
}

/**
 * Namespaces in the order of the set; one that is listed twice appears twice.
 * @throws {SelvageError} `MALFORMED`
 */
export function readWriteSet(results: Uint8Array, rules: ValidationRules): readonly NamespaceSet[] {
  return rwset.TxReadWriteSet.decode(results, rules).nsRwset.map((each) => ({
    namespace: each.namespace,
    public: kvrwset.KVRWSet.decode(each.rwset, rules),
    collections: each.collectionHashedRwset.map(({ collectionName, hashedRwset, pvtRwsetHash }) => ({
      name: collectionName,
      hashed: kvrwset.HashedRWSet.decode(hashedRwset, rules),
      pvtRwsetHash,
    })),
  }));
}

/** Whether the set changes its namespace, as far as the channel's capabilities know such changes. */
export function writes(set: NamespaceSet, { capabilities, validator }: ValidationRules): boolean {
  const v20 = validator === 'v20';
  const keyLevel = v20 || capabilities.keyLevelEndorsement;
  if (set.public.writes.length > 0 || (keyLevel && set.public.metadataWrites.length > 0)) return true;
  if (!v20 && !capabilities.privateChannelData) return false;
  return set.collections.some(({ hashed }) => hashed.hashedWrites.length > 0 || (keyLevel && hashed.metadataWrites.length > 0));
}

/** The first namespace that stands in the set twice. */
export function repeatedNamespace(sets: readonly NamespaceSet[]): string | undefined {
  const seen = new Set<string>();
  for (const { namespace } of sets) {
    if (seen.has(namespace)) return namespace;
    seen.add(namespace);
  }
  return undefined;
}
