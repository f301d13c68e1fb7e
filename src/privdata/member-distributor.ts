import { Deadline } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { type Metrics, timed } from '../common/metrics.ts';
import { prefixed } from '../common/prefixed.ts';
import type { ChannelMember, PeerView } from '../gossip/peers.ts';
import type { PrivateDataExchange } from '../gossip/private-exchange.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { findCollection } from '../lifecycle/lifecycle-collections.ts';
import { type gossip, type protos, rwset } from '../protos/messages.ts';
import { configOf } from './collection-config.ts';
import { planDissemination, type Receiver } from './dissemination-plan.ts';
import { durationOf } from './durations.ts';
import { MemberJudge, proofOf } from './member-judge.ts';
import type { PrivateDataDistributor, PrivateWrites } from './ports/private-writes.ts';
import { DEFAULT_SETTINGS, type PrivateDataSettings } from './settings.ts';

export interface MemberDistributorParts {
  readonly peers: Pick<PeerView, 'membersOf'>;
  readonly exchange: Pick<PrivateDataExchange, 'push'>;
  /** This peer's organisation. */
  readonly mspId: string;
  readonly settings?: Pick<PrivateDataSettings, 'pushAckTimeoutMs' | 'implicit'>;
  readonly metrics?: Metrics;
  readonly log?: Logger;
}

/** One collection's data and whom it goes to. */
interface Plan {
  readonly config: protos.StaticCollectionConfigInit;
  readonly payload: gossip.PrivatePayloadInit;
  readonly receivers: readonly Receiver[];
}

/**
 * Gives private writes to peers that are members of their collections, at least as many as the collection requires, and then keeps
 * them in this peer's own transient store.
 * @see DistributePrivateData in hyperledger/fabric v2.5, gossip/service/gossip_service.go; gossip/privdata/distributor.go
 */
export class MemberDistributor implements PrivateDataDistributor {
  readonly #parts: MemberDistributorParts;
  readonly #settings: Pick<PrivateDataSettings, 'pushAckTimeoutMs' | 'implicit'>;
  readonly #log: Logger;

  constructor(parts: MemberDistributorParts) {
    this.#parts = parts;
    this.#settings = parts.settings ?? DEFAULT_SETTINGS;
    this.#log = parts.log ?? silent;
  }

  /** @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text, and then nothing is kept here */
  async distribute(writes: PrivateWrites): Promise<void> {
    const { channel, txId } = writes;
    const { height } = channel.ledger.blocks.info();
    const plans = await this.#planned(writes, height).catch((thrown: unknown) => {
      throw prefixed(`failed to distribute private collection, txID ${txId}, channel ${channel.id}: `, thrown);
    });
    await this.#disseminate(plans, writes);
    await channel.ledger.transient.put(txId, height, writes.rwset, { endorsedAt: height, collectionConfigs: packagesOf(plans) });
  }

  async #planned({ channel, txId, rwset: set, collections }: PrivateWrites, height: bigint): Promise<readonly Plan[]> {
    using snapshot = channel.ledger.snapshot();
    const reads = readsOf(snapshot);
    const judge = new MemberJudge(channel.bundle());
    const others = this.#parts.peers.membersOf(channel.id).filter(({ self }) => !self);
    const sets = setsIn(set);
    const plans: Plan[] = [];
    for (const { namespace, collection } of collections) {
      const found = await findCollection(reads, namespace, collection);
      if (found === undefined) throw refused(`no collection config for chaincode "${namespace}"`);
      const config = configOf(found, { mspId: this.#parts.mspId, dissemination: this.#settings.implicit });
      const eligible = await eligibleAmong(others, (member) => judge.isMember(config, proofOf(member)));
      const { requiredPeerCount: required = 0, maximumPeerCount: maximum = 0 } = config;
      if (eligible.length < required) throw tooFew(namespace, collection, { required, eligible: eligible.length });
      const payload = {
        namespace,
        collectionName: collection,
        txId,
        privateRwset: sets.get(`${namespace}\0${collection}`),
        privateSimHeight: height,
        collectionConfigs: { config: [{ staticCollectionConfig: config }] },
      };
      plans.push({ config, payload, receivers: planDissemination(eligible, { required, maximum }) });
    }
    return plans;
  }

  /** All are waited for, so that whoever takes long takes no longer than the limit; only those that are required can fail it. */
  async #disseminate(plans: readonly Plan[], { channel, txId }: PrivateWrites): Promise<void> {
    const sends = plans.flatMap(({ payload, receivers }) => receivers.map((receiver) => ({ payload, receiver })));
    if (sends.length === 0) return;
    const seconds = durationOf(this.#parts.metrics, 'send', channel.id);
    const outcomes = await Promise.all(sends.map((each) => timed(seconds, () => this.#send(each.payload, each.receiver, channel.id))));
    const failed = outcomes.filter((ok) => !ok).length;
    if (failed === 0) return;
    const text = `Failed disseminating ${failed} out of ${sends.length} private dissemination plans`;
    throw refused(`failed to distribute private collection, txID ${txId}, channel ${channel.id}: ${text}`);
  }

  /** False when a peer that had to take it did not. */
  async #send(payload: gossip.PrivatePayloadInit, { member, required }: Receiver, channelId: string): Promise<boolean> {
    using deadline = new Deadline(this.#settings.pushAckTimeoutMs, 'timed out');
    try {
      await this.#parts.exchange.push(member, channelId, payload, deadline);
      return true;
    } catch (thrown) {
      const { code, message } = SelvageError.from(thrown);
      const { txId, namespace, collectionName: collection } = payload;
      const failures = { [code === 'DEADLINE_EXCEEDED' ? 'timed out' : message]: 1 };
      const fields = { channel: channelId, txId, namespace, collection, mspId: member.mspId, endpoint: member.endpoint, failures };
      if (required) this.#log.error('Failed disseminating private RWSet', fields);
      else this.#log.debug('Failed disseminating private RWSet to a peer that need not have it', fields);
      return !required;
    }
  }
}

async function eligibleAmong(
  members: readonly ChannelMember[],
  isMember: (member: ChannelMember) => Promise<boolean>,
): Promise<readonly ChannelMember[]> {
  const verdicts = await Promise.all(members.map(isMember));
  return members.filter((_, at) => verdicts[at]);
}

/** `kvrwset.KVRWSet` bytes by namespace and collection. */
function setsIn(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const { nsPvtRwset } = rwset.TxPvtReadWriteSet.decode(bytes);
  return new Map(
    nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
      collectionPvtRwset.map((set) => [`${namespace}\0${set.collectionName}`, set.rwset] as const),
    ),
  );
}

/** By namespace, of each the collections that were written. */
function packagesOf(plans: readonly Plan[]): ReadonlyMap<string, protos.CollectionConfigPackageInit> {
  const packages = new Map<string, protos.CollectionConfigInit[]>();
  for (const {
    config,
    payload: { namespace = '' },
  } of plans)
    packages.set(namespace, [...(packages.get(namespace) ?? []), { staticCollectionConfig: config }]);
  return new Map([...packages].map(([namespace, config]) => [namespace, { config }]));
}

function tooFew(namespace: string, collection: string, { required, eligible }: { readonly required: number; readonly eligible: number }) {
  const plan = `could not build private data dissemination plan for chaincode ${namespace} and collection ${collection}`;
  return refused(`${plan}: required to disseminate to at least ${required} peers, but know of only ${eligible} eligible peers`, {
    advice: 'Set requiredPeerCount to the number of other members’ peers that this one reaches; 0 keeps the data here alone.',
  });
}

const refused = (message: string, options: { readonly advice?: string } = {}): SelvageError =>
  new SelvageError('SIMULATION_FAILED', message, options);
