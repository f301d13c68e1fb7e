import { messageOf } from '../../common/errors.ts';
import type { ChannelBundle } from '../../msp/channelconfig/channel-bundle.ts';
import { common, protos } from '../../protos/messages.ts';
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

interface Deployed {
  readonly name: string;
  readonly version: string;
  readonly bundle: ChannelBundle;
}

/**
 * What peers of 2.x ask of collections before they endorse them: policies that can be judged. The rest is for validation to refuse.
 * @throws {SelvageError} `CHAINCODE_FAILED` with Fabric's texts
 * @see checkCollectionMemberPolicy in hyperledger/fabric v2.5, core/scc/lscc/lscc.go
 */
export function checkMembers(bytes: Uint8Array, { name, version, bundle }: Deployed): void {
  for (const { staticCollectionConfig: collection } of decodeQuietly(bytes, `${name}:${version}`).config) {
    if (collection === undefined) throw unusable('collection configuration is empty');
    const { memberOrgsPolicy } = collection;
    if (memberOrgsPolicy === undefined) throw unusable('collection member policy is not set');
    const { signaturePolicy } = memberOrgsPolicy;
    if (signaturePolicy === undefined) throw unusable('collection member org policy is empty');
    for (const { principalClassification: kind } of signaturePolicy.identities) {
      if (MEMBERS.has(kind)) continue;
      const shown = Object.entries(common.MSPPrincipal_Classification).find(([, value]) => value === kind)?.[0] ?? kind;
      throw unusable(`collection-name: ${collection.name} -- principal type ${shown} is not supported`);
    }
    try {
      bundle.signaturePolicy(common.SignaturePolicyEnvelope.encode(signaturePolicy));
    } catch (thrown) {
      throw unusable(`invalid member org policy for collection '${collection.name}': ${messageOf(thrown)}`, thrown);
    }
  }
}

const { ROLE, ORGANIZATION_UNIT, IDENTITY } = common.MSPPrincipal_Classification;
const MEMBERS: ReadonlySet<number> = new Set([ROLE, ORGANIZATION_UNIT, IDENTITY]);

const unusable = (why: string, cause?: unknown): Error => refused(`collection member policy check failed: ${why}`, cause);

function decodeQuietly(bytes: Uint8Array, chaincode: string): protos.CollectionConfigPackage {
  try {
    return protos.CollectionConfigPackage.decode(bytes);
  } catch (thrown) {
    throw refused(`invalid collection configuration supplied for chaincode ${chaincode}`, thrown);
  }
}
