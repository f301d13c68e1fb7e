import type { Channels } from '../channel/channel.ts';
import { dialectOn } from '../channel/dialect.ts';
import { SelvageError } from '../common/errors.ts';
import { common, msp, type protos } from '../protos/messages.ts';
import {
  type CollectionAccess,
  type CollectionPermissions,
  type CollectionQuestion,
  noCollections,
  undefinedCollection,
  unknownCollection,
} from './collection-access.ts';
import type { StateReads } from './definitions.ts';
import { ownerOf } from './implicit-collections.ts';
import { legacyCollection, legacyCollections } from './legacy-collection-access.ts';
import { readDefinition } from './lifecycle-definition.ts';
import { LIFECYCLE } from './records.ts';

/** A collection of a chaincode: as it was defined, or an organisation's own, which nobody defines. */
export type KnownCollection =
  | { readonly kind: 'defined'; readonly config: protos.StaticCollectionConfigInit }
  | { readonly kind: 'implicit'; readonly mspId: string };

/**
 * What is known of a collection, by the 2.x lifecycle and then by the legacy one; undefined for one that there is not.
 * @param state a simulation records the reads, as Fabric's does
 * @see CollectionInfo in hyperledger/fabric v2.5, core/chaincode/lifecycle/deployedcc_infoprovider.go
 */
export async function findCollection(state: StateReads, chaincode: string, collection: string): Promise<KnownCollection | undefined> {
  const mspId = ownerOf(collection);
  if (chaincode === LIFECYCLE) return mspId === undefined ? undefined : { kind: 'implicit', mspId };
  const definition = await readDefinition(chaincode, { get: (key) => state.getState(LIFECYCLE, key) });
  if (definition === undefined) {
    const config = await legacyCollection(state, chaincode, collection);
    return config && { kind: 'defined', config };
  }
  if (mspId !== undefined) return { kind: 'implicit', mspId };
  const found = definition.collections.config?.find(({ staticCollectionConfig }) => staticCollectionConfig?.name === collection);
  return found?.staticCollectionConfig && { kind: 'defined', config: found.staticCollectionConfig };
}

/** Whether an organisation is a member of a collection, so that its peers may have the plain values. */
export function isMember(collection: KnownCollection, mspId: string): boolean {
  if (collection.kind === 'implicit') return collection.mspId === mspId;
  const { identities = [] } = collection.config.memberOrgsPolicy?.signaturePolicy ?? {};
  return identities.some((principal) => mspIdOf(principal) === mspId);
}

const { ROLE, ORGANIZATION_UNIT, IDENTITY } = common.MSPPrincipal_Classification;

/** The organisation that a principal is of; undefined where that cannot be told, which no lifecycle takes. */
function mspIdOf({ principalClassification: kind, principal = new Uint8Array(0) }: common.MSPPrincipalInit): string | undefined {
  try {
    if (kind === undefined || kind === ROLE) return common.MSPRole.decode(principal).mspIdentifier;
    if (kind === ORGANIZATION_UNIT) return common.OrganizationUnit.decode(principal).mspIdentifier;
    return kind === IDENTITY ? msp.SerializedIdentity.decode(principal).mspid : undefined;
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return undefined;
    throw thrown;
  }
}

/**
 * Who may use a collection, by the lifecycle that its chaincode has: peers of 2.x look into their own first, on channels without it too,
 * and their read-write sets say so. Anybody may use the own collection of an organisation of the channel: only the peers of
 * that organisation can answer reads, and its endorsement policy decides over writes.
 * @see RetrieveReadWritePermission in hyperledger/fabric v2.5, core/common/privdata/store.go
 */
export class LifecycleCollectionAccess implements CollectionAccess {
  readonly #channels: Channels;
  readonly #legacy: CollectionAccess;

  constructor({ channels, legacy }: { readonly channels: Channels; readonly legacy: CollectionAccess }) {
    this.#channels = channels;
    this.#legacy = legacy;
  }

  async permissions(question: CollectionQuestion): Promise<CollectionPermissions> {
    const { channelId, chaincode, collection, proposal, simulator } = question;
    const bundle = this.#channels.get(channelId)?.bundle();
    if (bundle === undefined || dialectOn(this.#channels, channelId) === '1.1') return this.#legacy.permissions(question);
    const found = await findCollection(simulator, chaincode, collection);
    if (found === undefined) throw await reasonOf(question);
    if (found.kind === 'implicit') {
      if (bundle.application?.orgs.some(({ mspId }) => mspId === found.mspId) !== true) throw undefinedCollection(question);
      return { read: true, write: true };
    }
    const { memberOnlyRead = false, memberOnlyWrite = false, memberOrgsPolicy } = found.config;
    if (!memberOnlyRead && !memberOnlyWrite) return { read: true, write: true };
    const policy = bundle.signaturePolicy(common.SignaturePolicyEnvelope.encode(memberOrgsPolicy?.signaturePolicy ?? {}));
    const { signedProposal, creator } = proposal;
    const verdict = await policy.evaluate([{ data: signedProposal.proposalBytes, identity: creator, signature: signedProposal.signature }]);
    return { read: verdict.ok || !memberOnlyRead, write: verdict.ok || !memberOnlyWrite };
  }
}

/** Why there is no such collection; what is read for it was read before, so that nothing more is recorded. */
async function reasonOf(question: CollectionQuestion): Promise<SelvageError> {
  const { chaincode, simulator, wanted } = question;
  const defined = await readDefinition(chaincode, { get: (key) => simulator.getState(LIFECYCLE, key) });
  const none = defined === undefined && (await legacyCollections(simulator, chaincode)) === undefined;
  return wanted === 'hash' && none ? noCollections(chaincode) : unknownCollection(question);
}
