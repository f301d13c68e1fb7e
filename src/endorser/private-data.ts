import type { Channel } from '../channel/channel.ts';
import { SelvageError } from '../common/errors.ts';
import { prefixed } from '../common/prefixed.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { findCollection, isMember, type KnownCollection } from '../lifecycle/lifecycle-collections.ts';
import { rwset } from '../protos/messages.ts';

/** A proposal's private writes, on their way to those who may have them. */
export interface PrivateWrites {
  readonly channel: Channel;
  readonly txId: string;
  /** `rwset.TxPvtReadWriteSet` bytes. */
  readonly rwset: Uint8Array;
  readonly collections: readonly { readonly namespace: string; readonly collection: string }[];
}

/** Sees to it that private writes are where the committers will look for them. A failure fails the proposal. */
export interface PrivateDataDistributor {
  distribute(writes: PrivateWrites): Promise<void>;
}

/** Private writes of one collection, as they are given to another peer. */
export interface SentPrivateData {
  readonly channelId: string;
  readonly txId: string;
  /** Of the sender's ledger. */
  readonly height: bigint;
  /** `rwset.TxPvtReadWriteSet` bytes. */
  readonly rwset: Uint8Array;
}

/** Another peer of a channel that can be given private data. */
export interface PrivateDataPeer {
  readonly mspId: string;
  /** Resolves when the other peer keeps it. */
  receive(data: SentPrivateData): Promise<void>;
}

/** The other peers that this one can reach. */
export interface PrivateDataPeers {
  of(channelId: string): readonly PrivateDataPeer[];
}

/** Nobody else is reached: collections that require other peers to have their data cannot be endorsed. */
export const NO_PEERS: PrivateDataPeers = { of: () => [] };

/** One collection's data and whom it goes to; the first `required` must say that they have it. */
interface Plan {
  readonly rwset: Uint8Array;
  readonly to: readonly PrivateDataPeer[];
  readonly required: number;
}

/**
 * Gives private writes to peers of organisations that are members of their collections, at least as many as the collection requires,
 * and then keeps them in this peer's own transient store.
 * @see DistributePrivateData in hyperledger/fabric v2.5, gossip/service/gossip_service.go; gossip/privdata/distributor.go
 */
export class MemberDistributor implements PrivateDataDistributor {
  readonly #peers: PrivateDataPeers;

  constructor({ peers }: { readonly peers: PrivateDataPeers }) {
    this.#peers = peers;
  }

  /** @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text, and then nothing is kept here */
  async distribute(writes: PrivateWrites): Promise<void> {
    const { channel, txId } = writes;
    const { ledger } = channel;
    const { height } = ledger.blocks.info();
    try {
      const plans = await this.#plans(writes);
      const failures = await Promise.all(plans.map((plan) => failuresOf(plan, { channelId: channel.id, txId, height })));
      const failed = failures.filter((count) => count > 0).length;
      if (failed > 0) throw refused(`Failed disseminating ${failed} out of ${plans.length} private dissemination plans`);
    } catch (thrown) {
      throw prefixed(`failed to distribute private collection, txID ${txId}, channel ${channel.id}: `, thrown);
    }
    await ledger.transient.put(txId, height, writes.rwset);
  }

  async #plans({ channel, rwset: set, collections }: PrivateWrites): Promise<readonly Plan[]> {
    using snapshot = channel.ledger.snapshot();
    const reads = readsOf(snapshot);
    const peers = this.#peers.of(channel.id);
    const plans: Plan[] = [];
    for (const { namespace, collection } of collections) {
      const found = await findCollection(reads, namespace, collection);
      if (found === undefined) throw refused(`no collection config for chaincode "${namespace}"`);
      const { required, most } = countsOf(found);
      const eligible = peers.filter(({ mspId }) => isMember(found, mspId));
      if (eligible.length < required) throw tooFew(namespace, collection, { required, eligible: eligible.length });
      const to = oneOfEachFirst(eligible).slice(0, most);
      plans.push({ rwset: only(set, { namespace, collection }), to, required: Math.min(required, to.length) });
    }
    return plans;
  }
}

/** An organisation's own collection goes to another of its peers, if there is one. @see implicitCollectionDisseminationPolicy in Fabric's core.yaml */
function countsOf(found: KnownCollection): { readonly required: number; readonly most: number } {
  if (found.kind === 'implicit') return { required: 0, most: 1 };
  return { required: found.config.requiredPeerCount ?? 0, most: found.config.maximumPeerCount ?? 0 };
}

function tooFew(namespace: string, collection: string, { required, eligible }: { readonly required: number; readonly eligible: number }) {
  const plan = `could not build private data dissemination plan for chaincode ${namespace} and collection ${collection}`;
  return refused(`${plan}: required to disseminate to at least ${required} peers, but know of only ${eligible} eligible peers`, {
    advice: 'Set requiredPeerCount to the number of other members’ peers that this one reaches; 0 keeps the data here alone.',
  });
}

/** A peer of every organisation before a second one of any. */
function oneOfEachFirst(peers: readonly PrivateDataPeer[]): readonly PrivateDataPeer[] {
  const seen = new Set<string>();
  const firsts = peers.filter(({ mspId }) => !seen.has(mspId) && seen.add(mspId));
  return [...firsts, ...peers.filter((peer) => !firsts.includes(peer))];
}

/** The set of one collection alone: its receivers need not be members of the others. */
function only(set: Uint8Array, { namespace, collection }: { readonly namespace: string; readonly collection: string }): Uint8Array {
  const { dataModel, nsPvtRwset } = rwset.TxPvtReadWriteSet.decode(set);
  const collectionPvtRwset = nsPvtRwset
    .filter((each) => each.namespace === namespace)
    .flatMap((each) => each.collectionPvtRwset.filter(({ collectionName }) => collectionName === collection));
  return rwset.TxPvtReadWriteSet.encode({ dataModel, nsPvtRwset: [{ namespace, collectionPvtRwset }] });
}

/** How many of the required receivers did not take it. */
async function failuresOf({ rwset: set, to, required }: Plan, sent: Omit<SentPrivateData, 'rwset'>): Promise<number> {
  const outcomes = await Promise.allSettled(to.map((peer) => peer.receive({ ...sent, rwset: set })));
  return outcomes.slice(0, required).filter(({ status }) => status === 'rejected').length;
}

const refused = (message: string, options: { readonly advice?: string } = {}): SelvageError =>
  new SelvageError('SIMULATION_FAILED', message, options);

/** What a peer does with private data that another one gives it. @throws {SelvageError} `CHANNEL_NOT_FOUND`, or what the store throws */
export async function keepSent(channel: Channel | undefined, { channelId, txId, height, rwset: set }: SentPrivateData): Promise<void> {
  if (channel === undefined) throw new SelvageError('CHANNEL_NOT_FOUND', `channel does not exist: ${channelId}`);
  await channel.ledger.transient.put(txId, height, set);
}
