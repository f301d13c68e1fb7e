import { messageOf } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { refused } from '../reply.ts';

/** Where LSCC keeps the collections of a chaincode; no chaincode name holds a `~`. */
export const collectionKey = (chaincode: string): string => `${chaincode}~collection`;

export const isCollectionKey = (key: string): boolean => key.includes('~');

const NAME = /^[A-Za-z0-9_-]+$/;

/**
 * Refuses collections that no committer would take.
 * @throws {SelvageError} `CHAINCODE_FAILED` with Fabric's texts
 * @see core/common/validation and core/handlers/validation/builtin/v12 in hyperledger/fabric v1.4
 */
export function checkCollections(bytes: Uint8Array, chaincode: { readonly name: string; readonly version: string }): void {
  const seen = new Set<string>();
  for (const { staticCollectionConfig: collection } of decode(bytes, chaincode).config) {
    if (collection === undefined) throw refused('unknown collection configuration type');
    if (seen.has(collection.name)) throw refused(`collection-name: ${collection.name} -- found duplicate collection configuration`);
    seen.add(collection.name);
    checkCollection(collection);
  }
}

function decode(bytes: Uint8Array, { name, version }: { readonly name: string; readonly version: string }): protos.CollectionConfigPackage {
  try {
    return protos.CollectionConfigPackage.decode(bytes);
  } catch (thrown) {
    throw refused(`invalid collection configuration supplied for chaincode ${name}:${version} (${messageOf(thrown)})`, thrown);
  }
}

function checkCollection({
  name,
  requiredPeerCount: required,
  maximumPeerCount: maximum,
  memberOrgsPolicy,
}: protos.StaticCollectionConfig): void {
  if (!NAME.test(name)) throw refused(`collection-name: ${name} not allowed. A valid collection name follows the pattern: [A-Za-z0-9_-]+`);
  if (required < 0) throw refused(`collection-name: ${name} -- requiredPeerCount (${required}) cannot be less than zero`);
  if (maximum < required)
    throw refused(`collection-name: ${name} -- maximum peer count (${maximum}) cannot be less than the required peer count (${required})`);
  if (memberOrgsPolicy?.signaturePolicy === undefined) throw refused(`collection-name: ${name} -- collection member policy is not set`);
}
