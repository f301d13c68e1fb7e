import type { Channel, Channels } from '../channel/channel.ts';
import { hex } from '../common/bytes.ts';
import { type Clock, systemClock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { type Metrics, timed } from '../common/metrics.ts';
import { Refusals } from '../common/refusals.ts';
import type { Neighbour } from '../gossip/links.ts';
import type { CollectionName } from '../ledger/pvtdata/private-data-keys.ts';
import { collectionBelow } from '../lifecycle/collections-of-block.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { findCollection } from '../lifecycle/lifecycle-collections.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { type gossip, type protos, rwset } from '../protos/messages.ts';
import { configIn, configOf } from './collection-config.ts';
import { durationOf } from './durations.ts';
import { handshakeOf, MemberJudge } from './member-judge.ts';

export interface ResponderParts {
  readonly channels: Channels;
  readonly clock?: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Bytes of private data in one answer: a message has at most 100 MiB. */
  readonly mostBytes?: number;
}

/** More than the transactions of ten blocks have. What is asked for beyond them is not looked at. */
const MOST_DIGESTS = 20_000;
const MOST_TRANSACTIONS = 2n ** 32n;
const MOST_BYTES = 90 * 1024 * 1024;

/**
 * Tells another peer what it asks for, as far as it is a member: of a block that is not committed here by the configuration that the
 * data came with, else by the latest one or the one in force when the block came. Who it is, is judged again each time.
 * @see gossip/privdata/pull.go and dataretriever.go in hyperledger/fabric v2.5
 */
export class Responder {
  readonly #parts: ResponderParts;
  readonly #refusals: Refusals;

  constructor(parts: ResponderParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.log, 'private data is not told to another peer');
  }

  async asked(digests: readonly gossip.PvtDataDigest[], channelId: string, from: Neighbour): Promise<readonly gossip.PvtDataElementInit[]> {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined || !this.#isStillWhoItWas(channel, from)) return [];
    const answering = new Answering(channel, handshakeOf(from));
    return timed(durationOf(this.#parts.metrics, 'retrieve', channelId), async () => {
      const elements: gossip.PvtDataElementInit[] = [];
      let bytes = 0;
      for (const digest of digests.slice(0, MOST_DIGESTS)) {
        const { payload, refused } = await answering.look(digest);
        if (refused) this.#refuse(channelId, from, `not a member of collection ${digest.collection} of chaincode ${digest.namespace}`);
        if (payload.length === 0) continue;
        bytes += payload.reduce((sum, { length }) => sum + length, 0);
        if (bytes > (this.#parts.mostBytes ?? MOST_BYTES)) break; // the rest is asked for again
        elements.push({ digest, payload });
      }
      return elements;
    });
  }

  #isStillWhoItWas(channel: Channel, from: Neighbour): boolean {
    try {
      const identity = channel.bundle().msps.deserialize(from.identity);
      identity.validate();
      const clock = this.#parts.clock ?? systemClock;
      if (identity.notAfter.getTime() > clock.now().getTime()) return true;
      this.#refuse(channel.id, from, `the certificate expired at ${identity.notAfter.toISOString()}`);
    } catch (thrown) {
      if (!(thrown instanceof SelvageError) || thrown.code !== 'IDENTITY_INVALID') throw thrown;
      this.#refuse(channel.id, from, messageOf(thrown));
    }
    return false;
  }

  #refuse(channelId: string, { mspId, pkiId }: Neighbour, reason: string): void {
    this.#refusals.note({ channel: channelId, mspId, pkiId: hex(pkiId), reason });
  }
}

interface Looked {
  readonly payload: readonly Uint8Array[];
  /** It is here, and the requester may not have it. */
  readonly refused: boolean;
}

const NOTHING: Looked = { payload: [], refused: false };

/** One request: each policy is looked up and judged once. */
class Answering {
  readonly #channel: Channel;
  readonly #requester: SignedData;
  readonly #judge: MemberJudge;
  readonly #height: bigint;
  readonly #configs = new Map<string, Promise<protos.StaticCollectionConfigInit | undefined>>();

  constructor(channel: Channel, requester: SignedData) {
    this.#channel = channel;
    this.#requester = requester;
    this.#judge = new MemberJudge(channel.bundle());
    this.#height = channel.ledger.blocks.info().height;
  }

  look(digest: gossip.PvtDataDigest): Promise<Looked> {
    return digest.blockSeq >= this.#height ? this.#inTransientStore(digest) : this.#inLedger(digest);
  }

  async #inTransientStore({ txId, namespace, collection }: gossip.PvtDataDigest): Promise<Looked> {
    if (txId === '') return NOTHING;
    const payload: Uint8Array[] = [];
    let newest: { readonly endorsedAt: bigint; readonly config: protos.StaticCollectionConfigInit } | undefined;
    for (const { rwset: set, endorsedAt, collectionConfigs } of await this.#channel.ledger.transient.get(txId)) {
      const config = configIn(collectionConfigs.get(namespace), collection);
      if (config === undefined) continue;
      if (newest === undefined || endorsedAt >= newest.endorsedAt) newest = { endorsedAt, config };
      payload.push(...setsOf(set, namespace, collection));
    }
    if (newest === undefined || payload.length === 0) return NOTHING;
    return this.#told(payload, [newest.config]);
  }

  async #inLedger({ blockSeq, seqInBlock, namespace, collection }: gossip.PvtDataDigest): Promise<Looked> {
    if (seqInBlock >= MOST_TRANSACTIONS) return NOTHING;
    const name = { namespace, collection };
    const set = await this.#channel.ledger.privateData.writeSet({ ...name, blockNum: blockSeq, index: Number(seqInBlock) });
    if (set === undefined) return NOTHING;
    const latest = await this.#config(`${namespace}\0${collection}`, () => this.#latest(name));
    const then = await this.#config(`${namespace}\0${collection}\0${blockSeq}`, () => this.#below(name, blockSeq));
    return this.#told(
      [set],
      [latest, then].flatMap((config) => config ?? []),
    );
  }

  async #told(payload: readonly Uint8Array[], configs: readonly protos.StaticCollectionConfigInit[]): Promise<Looked> {
    for (const config of configs) if (await this.#judge.isMember(config, this.#requester)) return { payload, refused: false };
    return { payload: [], refused: true };
  }

  #config(id: string, find: () => Promise<protos.StaticCollectionConfigInit | undefined>) {
    const known = this.#configs.get(id) ?? find();
    this.#configs.set(id, known);
    return known;
  }

  async #latest({ namespace, collection }: CollectionName): Promise<protos.StaticCollectionConfigInit | undefined> {
    using snapshot = this.#channel.ledger.snapshot();
    const found = await findCollection(readsOf(snapshot), namespace, collection);
    return found && configOf(found);
  }

  async #below(name: CollectionName, blockNum: bigint): Promise<protos.StaticCollectionConfigInit | undefined> {
    const found = await collectionBelow(this.#channel.ledger, name, blockNum);
    return found && configOf(found);
  }
}

const setsOf = (bytes: Uint8Array, namespace: string, collection: string): Uint8Array[] =>
  rwset.TxPvtReadWriteSet.decode(bytes)
    .nsPvtRwset.filter((each) => each.namespace === namespace)
    .flatMap(({ collectionPvtRwset }) => collectionPvtRwset.filter(({ collectionName }) => collectionName === collection))
    .map((set) => set.rwset);
