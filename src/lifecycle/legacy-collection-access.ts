import type { Channels } from '../channel/channel.ts';
import { common, protos } from '../protos/messages.ts';
import {
  type CollectionAccess,
  type CollectionPermissions,
  type CollectionQuestion,
  noCollections,
  unknownCollection,
} from './collection-access.ts';
import type { StateReads } from './definitions.ts';
import { LSCC } from './legacy-definitions.ts';

/**
 * Who may use a collection, by the configuration that the legacy lifecycle keeps under `name~collection`.
 * @see core/common/privdata/store.go in hyperledger/fabric v1.4
 */
export class LegacyCollectionAccess implements CollectionAccess {
  readonly #channels: Channels;

  constructor(channels: Channels) {
    this.#channels = channels;
  }

  async permissions(question: CollectionQuestion): Promise<CollectionPermissions> {
    const { channelId, chaincode, collection, wanted, proposal, simulator } = question;
    const channel = this.#channels.get(channelId);
    const collections = await legacyCollections(simulator, chaincode);
    if (collections === undefined && wanted === 'hash') throw noCollections(chaincode);
    const config = named(collections, collection);
    if (channel === undefined || config === undefined) throw unknownCollection(question);
    const policy = channel.bundle().signaturePolicy(common.SignaturePolicyEnvelope.encode(config.memberOrgsPolicy?.signaturePolicy ?? {}));
    const { signedProposal, creator } = proposal;
    const verdict = await policy.evaluate([{ data: signedProposal.proposalBytes, identity: creator, signature: signedProposal.signature }]);
    return { read: verdict.ok || !config.memberOnlyRead, write: verdict.ok || !config.memberOnlyWrite };
  }
}

/**
 * What the legacy lifecycle knows of a collection; undefined for one that nobody defined.
 * @param state a simulation records the read, as Fabric's does: the set then says which configuration it relied on
 */
export async function legacyCollection(
  state: StateReads,
  chaincode: string,
  collection: string,
): Promise<protos.StaticCollectionConfig | undefined> {
  return named(await legacyCollections(state, chaincode), collection);
}

const named = (collections: readonly protos.CollectionConfig[] | undefined, name: string): protos.StaticCollectionConfig | undefined =>
  collections?.find(({ staticCollectionConfig }) => staticCollectionConfig?.name === name)?.staticCollectionConfig;

/** All collections that a chaincode of the legacy lifecycle has; undefined when it was deployed without. */
export async function legacyCollections(state: StateReads, chaincode: string): Promise<readonly protos.CollectionConfig[] | undefined> {
  const stored = await state.getState(LSCC, `${chaincode}~collection`);
  return stored === undefined ? undefined : protos.CollectionConfigPackage.decode(stored).config;
}
