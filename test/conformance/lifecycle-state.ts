/**
 * Definitions of the 2.x lifecycle as the recorded channels have them, for as long as Selvage has none of its own: what the
 * endorser reads of them goes into every read-write set, and everything behind it is Selvage's.
 */
import type { ChaincodeDefinition, Definitions, StateReads } from '../../src/chaincode/lifecycle/definitions.ts';
import type { CollectionAccess, CollectionPermissions, CollectionQuestion } from '../../src/chaincode/stream/collection-access.ts';
import type { Channels } from '../../src/channel/channel.ts';
import { SelvageError } from '../../src/common/errors.ts';
import type { CollectionLifetimes } from '../../src/ledger/pvtdata/expiry.ts';
import type { StateSnapshot } from '../../src/ledger/statedb/state.ts';
import { common, lifecycle, protos } from '../../src/protos/messages.ts';

const LIFECYCLE = '_lifecycle';
const IMPLICIT = '_implicit_org_';
/** Where a chaincode that must be initialised has its mark. */
const INITIALIZED = '\u0000\u{10ffff}initialized';

const fieldKey = (name: string, field: string): string => `namespaces/fields/${name}/${field}`;

const bytesOf = (value: Uint8Array | undefined): Uint8Array | undefined =>
  value === undefined ? undefined : lifecycle.StateData.decode(value).bytes;

export interface LifecycleStateParts {
  readonly legacy: Definitions;
  /** What the instance of a chaincode registers with here: its package id. */
  readonly ccidOf: (name: string) => string | undefined;
  /** The committed state, read beside the simulation: a peer caches definitions. */
  readonly committed: () => StateSnapshot | undefined;
}

export class LifecycleState implements Definitions {
  readonly #parts: LifecycleStateParts;

  constructor(parts: LifecycleStateParts) {
    this.#parts = parts;
  }

  async find(state: StateReads, name: string): Promise<ChaincodeDefinition | undefined> {
    if (name === '') return undefined;
    const sequence = await state.getState(LIFECYCLE, fieldKey(name, 'Sequence'));
    if (sequence === undefined) return this.#parts.legacy.find(state, name);
    using committed = this.#parts.committed();
    const info = bytesOf((await committed?.get(LIFECYCLE, fieldKey(name, 'EndorsementInfo')))?.value);
    const ccid = this.#parts.ccidOf(name);
    if (info === undefined || ccid === undefined) return undefined;
    const { version, initRequired, endorsementPlugin } = lifecycle.ChaincodeEndorsementInfo.decode(info);
    if (initRequired) await state.getState(name, INITIALIZED);
    return { name, version, ccid, endorsementPlugin, validationPlugin: 'vscc', validationParameter: new Uint8Array() };
  }

  async checkRunnable(definition: ChaincodeDefinition): Promise<void> {
    if (definition.legacy !== undefined) await this.#parts.legacy.checkRunnable(definition);
  }
}

/** The collections that a committed definition has. */
export async function collectionsOf(state: StateSnapshot, name: string): Promise<readonly protos.StaticCollectionConfig[]> {
  const bytes = bytesOf((await state.get(LIFECYCLE, fieldKey(name, 'Collections')))?.value);
  const { config } = protos.CollectionConfigPackage.decode(bytes ?? new Uint8Array());
  return config.flatMap(({ staticCollectionConfig }) => staticCollectionConfig ?? []);
}

/** Everything a definition consists of. */
const keysOf = (name: string): readonly string[] => [
  `namespaces/metadata/${name}`,
  ...['Sequence', 'EndorsementInfo', 'ValidationInfo', 'Collections'].map((field) => fieldKey(name, field)),
];

/** Block-to-live as the definitions say. */
export const lifecycleLifetimes: CollectionLifetimes = {
  blockToLive: async ({ namespace, collection }, snapshot) =>
    (await collectionsOf(snapshot, namespace)).find(({ name }) => name === collection)?.blockToLive ?? 0n,
};

/** Who may use a collection, by its definition; the collection of an organisation is its own. */
export class LifecycleCollections implements CollectionAccess {
  readonly #channels: Channels;

  constructor(channels: Channels) {
    this.#channels = channels;
  }

  async permissions({ channelId, chaincode, collection, proposal, simulator }: CollectionQuestion): Promise<CollectionPermissions> {
    for (const key of keysOf(chaincode)) await simulator.getState(LIFECYCLE, key); // a 2.x peer reads the definition in the simulation
    const channel = this.#channels.get(channelId);
    const msps = channel?.bundle().msps;
    if (collection.startsWith(IMPLICIT) && msps !== undefined) {
      const own = msps.deserialize(proposal.creator).mspId === collection.slice(IMPLICIT.length);
      return { read: own, write: true };
    }
    using state = channel?.ledger.snapshot();
    const config = state && (await collectionsOf(state, chaincode)).find(({ name }) => name === collection);
    if (channel === undefined || config === undefined)
      throw new SelvageError('NOT_FOUND', `collection ${channelId}/${chaincode}/${collection} could not be found`);
    const policy = channel.bundle().signaturePolicy(common.SignaturePolicyEnvelope.encode(config.memberOrgsPolicy?.signaturePolicy ?? {}));
    const { signedProposal, creator } = proposal;
    const verdict = await policy.evaluate([{ data: signedProposal.proposalBytes, identity: creator, signature: signedProposal.signature }]);
    return { read: verdict.ok || !config.memberOnlyRead, write: verdict.ok || !config.memberOnlyWrite };
  }
}
