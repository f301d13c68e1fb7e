import type { Channel } from '../channel/channel.ts';
import { equalBytes, hex, sha256 } from '../common/bytes.ts';
import { Deadline } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type Metrics, timed } from '../common/metrics.ts';
import type { ChannelMember } from '../gossip/peers.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { findCollection, isMember } from '../lifecycle/lifecycle-collections.ts';
import { type protos, rwset } from '../protos/messages.ts';
import { configOf } from './collection-config.ts';
import { durationOf } from './durations.ts';
import { MemberJudge, proofOf } from './member-judge.ts';
import type { NeededCollection, PrivateData, PrivateDataSource, PrivateNeed } from './ports/private-data-source.ts';
import type { Puller, Wanted } from './puller.ts';
import type { PrivateDataSettings } from './settings.ts';

export interface CollectorParts {
  readonly channel: Channel;
  readonly puller: Puller;
  /** This peer's organisation. */
  readonly mspId: string;
  readonly settings: Pick<PrivateDataSettings, 'pullRetryThresholdMs' | 'skipPullingInvalid'>;
  /** Waits between two rounds; rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly metrics: Metrics;
  readonly log: Logger;
}

const BETWEEN_ROUNDS_MS = 1_000;

/** A write set that this peer may have. */
interface Item extends Wanted {
  readonly need: PrivateNeed;
  readonly name: NeededCollection;
  readonly hash: Uint8Array;
}

/**
 * Has the private data of a block together before it is committed: what was endorsed here or given to this peer, and the rest from peers
 * that have it. A block waits for one threshold at most, and where a collection could not be had, the next ones do not wait for it again
 * until something of it comes. For that of invalid transactions nobody waits, unlike in Fabric: anybody could hold the channel up with
 * writes into a collection whose members have never seen them.
 * @see gossip/privdata/pvtdataprovider.go in hyperledger/fabric v2.5
 */
export class Collector implements PrivateDataSource {
  readonly #parts: CollectorParts;
  /** Collections of which nobody gave anything within the threshold. */
  readonly #hopeless = new Set<string>();

  constructor(parts: CollectorParts) {
    this.#parts = parts;
  }

  async collect(needs: readonly PrivateNeed[], signal: AbortSignal): Promise<PrivateData> {
    if (needs.length === 0) return new Map();
    const { channel, metrics } = this.#parts;
    const items = await timed(durationOf(metrics, 'list_missing', channel.id), () => this.#eligible(needs));
    const sets = new Map<Item, Uint8Array>();
    await this.#fromTransientStore(items, sets);
    const kept = sets.size;
    const left = items.filter((item) => !sets.has(item));
    if (left.length > 0) await timed(durationOf(metrics, 'fetch', channel.id), () => this.#fromPeers(left, sets, signal));
    this.#tell(items, sets, kept);
    return byTransaction(sets);
  }

  /** What this organisation is a member of, by the definitions before the block. */
  async #eligible(needs: readonly PrivateNeed[]): Promise<readonly Item[]> {
    const { channel, mspId } = this.#parts;
    using snapshot = channel.ledger.snapshot();
    const reads = readsOf(snapshot);
    const judge = new MemberJudge(channel.bundle());
    const known = new Map<string, ReturnType<typeof findCollection>>();
    const items: Item[] = [];
    for (const need of needs) {
      for (const name of need.collections) {
        const id = idOf(name);
        const finding = known.get(id) ?? findCollection(reads, name.namespace, name.collection);
        known.set(id, finding);
        const found = await finding;
        if (found !== undefined && isMember(found, mspId)) items.push(itemOf(need, name, { config: configOf(found), judge }));
      }
    }
    return items;
  }

  async #fromTransientStore(items: readonly Item[], sets: Map<Item, Uint8Array>): Promise<void> {
    const byTxId = new Map<string, Item[]>();
    for (const item of items) byTxId.set(item.need.txId, [...(byTxId.get(item.need.txId) ?? []), item]);
    for (const [txId, wanted] of byTxId) {
      const kept = await this.#parts.channel.ledger.transient.get(txId);
      const hashed = new Map(
        kept.flatMap(({ rwset: set }) => setsIn(set)).map((set) => [`${set.id}\0${hex(sha256(set.bytes))}`, set.bytes]),
      );
      for (const item of wanted) {
        const found = hashed.get(`${idOf(item.name)}\0${hex(item.hash)}`);
        if (found !== undefined) sets.set(item, found);
      }
    }
  }

  /** In rounds, until everything is there, nothing more can be had, or the time is up. */
  async #fromPeers(missing: readonly Item[], sets: Map<Item, Uint8Array>, signal: AbortSignal): Promise<void> {
    const { settings, pause, puller, log } = this.#parts;
    let left = missing.filter(({ need }) => !(need.invalid && settings.skipPullingInvalid));
    if (left.length === 0 || settings.pullRetryThresholdMs === 0) return;
    using deadline = new Deadline(settings.pullRetryThresholdMs, 'private data could not be had in time', signal);
    try {
      for (let round = 0; left.length > 0; round += 1) {
        if (round > 0) await pause(BETWEEN_ROUNDS_MS, deadline.signal);
        const patient = left.some(({ need, name }) => !need.invalid && !this.#hopeless.has(idOf(name)));
        const { found, mismatched, expiring, denied } = await puller.pull(left, { signal: deadline.signal, patient });
        for (const [
          item,
          {
            sets: [set],
          },
        ] of found)
          if (set !== undefined) sets.set(item, set);
        for (const { name } of found.keys()) this.#hopeless.delete(idOf(name));
        const over = [mismatched, expiring, denied];
        const isWorthWaiting = ({ need, name }: Item): boolean => !need.invalid && !this.#hopeless.has(idOf(name));
        left = left.filter((item) => !found.has(item) && !over.some((those) => those.has(item)) && isWorthWaiting(item));
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (!deadline.expired) throw thrown;
      for (const { name } of left) {
        if (!this.#hopeless.has(idOf(name)))
          log.warn('private data of a collection cannot be had; blocks no longer wait for it', { ...nameOf(name) });
        this.#hopeless.add(idOf(name));
      }
    }
  }

  /** @param kept how many were at hand @see RetrievePvtdata in hyperledger/fabric v2.5, gossip/privdata/pvtdataprovider.go: tools wait for this line */
  #tell(items: readonly Item[], sets: ReadonlyMap<Item, Uint8Array>, kept: number): void {
    const missing = items.filter((item) => !sets.has(item));
    const [first] = missing;
    if (first === undefined) return;
    const block = first.digest.blockSeq.toString();
    const names = missing.slice(0, MOST_NAMED).map(({ need: { txId, index }, name: { namespace, collection } }) => {
      return `txID: ${txId}, seq: ${index}, namespace: ${namespace}, collection: ${collection}`;
    });
    const origins = `(0 from local cache, ${kept} from transient store, ${sets.size - kept} from other peers)`;
    this.#parts.log.warn(
      `Could not fetch (or mark to reconcile later) ${items.length - kept} eligible collection private write sets for block [${block}] ` +
        `${origins}. Will commit block with missing private write sets:[${names.join(', ')}]`,
      { block, eligible: items.length, missing: missing.length },
    );
  }
}

/** Of the sets that are missing so many are named in the log. */
const MOST_NAMED = 10;

const idOf = ({ namespace, collection }: Pick<NeededCollection, 'namespace' | 'collection'>): string => `${namespace}\0${collection}`;
const nameOf = ({ namespace, collection }: NeededCollection) => ({ namespace, collection });

function itemOf(
  need: PrivateNeed,
  name: NeededCollection,
  { config, judge }: { readonly config: protos.StaticCollectionConfigInit; readonly judge: MemberJudge },
): Item {
  const { txId, blockNum: blockSeq, index, endorsers } = need;
  const { namespace, collection, hash } = name;
  const { blockToLive = 0n } = config;
  const accepts = (member: ChannelMember): Promise<boolean> => judge.isMember(config, proofOf(member));
  const hasEndorsed = ({ identity }: ChannelMember): boolean => endorsers.some((endorser) => equalBytes(endorser, identity));
  return {
    need,
    name,
    hash,
    digest: { txId, namespace, collection, blockSeq, seqInBlock: BigInt(index) },
    accepts,
    prefers: async (member) => hasEndorsed(member) && (await accepts(member)),
    expiresAt: blockToLive === 0n ? undefined : blockSeq + blockToLive,
  };
}

/** What does not decode is nobody's. */
function setsIn(bytes: Uint8Array): readonly { readonly id: string; readonly bytes: Uint8Array }[] {
  try {
    return rwset.TxPvtReadWriteSet.decode(bytes).nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
      collectionPvtRwset.map(({ collectionName: collection, rwset: set }) => ({ id: idOf({ namespace, collection }), bytes: set })),
    );
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return [];
    throw thrown;
  }
}

function byTransaction(sets: ReadonlyMap<Item, Uint8Array>): PrivateData {
  const transactions = new Map<number, rwset.NsPvtReadWriteSetInit[]>();
  for (const [{ need, name }, set] of sets) {
    const ofTransaction = transactions.get(need.index) ?? [];
    transactions.set(need.index, ofTransaction);
    ofTransaction.push({ namespace: name.namespace, collectionPvtRwset: [{ collectionName: name.collection, rwset: set }] });
  }
  const encoded = (nsPvtRwset: rwset.NsPvtReadWriteSetInit[]): readonly Uint8Array[] => [
    rwset.TxPvtReadWriteSet.encode({ dataModel: rwset.TxReadWriteSet_DataModel.KV, nsPvtRwset }),
  ];
  return new Map([...transactions].map(([index, ofTransaction]) => [index, encoded(ofTransaction)]));
}
