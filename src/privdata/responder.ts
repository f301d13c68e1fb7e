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
import { gossip, type protos, rwset } from '../protos/messages.ts';
import { configIn, configOf, memberPolicyOf } from './collection-config.ts';
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

  get #mostBytes(): number {
    return this.#parts.mostBytes ?? MOST_BYTES;
  }

  async asked(digests: readonly gossip.PvtDataDigest[], channelId: string, from: Neighbour): Promise<readonly gossip.PvtDataElementInit[]> {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined || !this.#isStillWhoItWas(channel, from)) return [];
    const answering = new Answering(channel, { requester: handshakeOf(from), mostBytes: this.#mostBytes });
    return timed(durationOf(this.#parts.metrics, 'retrieve', channelId), async () => {
      const elements: gossip.PvtDataElementInit[] = [];
      let bytes = 0;
      for await (const { digest, payload, refused } of answering.look(distinct(digests))) {
        if (refused && payload.length === 0)
          this.#refuse(channelId, from, `not a member of collection ${digest.collection} of chaincode ${digest.namespace}`);
        if (payload.length === 0) continue;
        bytes += payload.reduce((sum, { length }) => sum + length, 0);
        if (bytes > this.#mostBytes) break; // the rest is asked for again
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

/** Whoever asks for one thing many times gets it once. */
const distinct = (digests: readonly gossip.PvtDataDigest[]): readonly gossip.PvtDataDigest[] => [
  ...new Map(digests.slice(0, MOST_DIGESTS).map((digest) => [hex(gossip.PvtDataDigest.encode(digest)), digest])).values(),
];

interface Looked {
  readonly payload: readonly Uint8Array[];
  /** It is here, and the requester may not have it. */
  readonly refused: boolean;
}

const NOTHING: Looked = { payload: [], refused: false };

/** What others gave of one transaction can come with as many configurations as they like: so many are looked at. */
const MOST_CONFIGS = 100;

/** One request: each policy is looked up and judged once, and what is kept of a transaction is read once. */
class Answering {
  readonly #channel: Channel;
  readonly #requester: SignedData;
  readonly #mostBytes: number;
  readonly #judge: MemberJudge;
  readonly #height: bigint;
  readonly #configs = new Map<string, Promise<protos.StaticCollectionConfigInit | undefined>>();

  constructor(channel: Channel, { requester, mostBytes }: { readonly requester: SignedData; readonly mostBytes: number }) {
    this.#channel = channel;
    this.#requester = requester;
    this.#mostBytes = mostBytes;
    this.#judge = new MemberJudge(channel.bundle());
    this.#height = channel.ledger.blocks.info().height;
  }

  async *look(digests: readonly gossip.PvtDataDigest[]): AsyncGenerator<Looked & { readonly digest: gossip.PvtDataDigest }> {
    const early = new Map<string, gossip.PvtDataDigest[]>();
    for (const digest of digests) {
      if (digest.blockSeq < this.#height) yield { digest, ...(await this.#inLedger(digest)) };
      else if (digest.txId !== '') {
        const ofTransaction = early.get(digest.txId) ?? [];
        early.set(digest.txId, ofTransaction);
        ofTransaction.push(digest);
      }
    }
    for (const [txId, ofTransaction] of early) {
      const found = await this.#inTransientStore(txId, new Set(ofTransaction.map(nameOf)));
      for (const digest of ofTransaction) yield { digest, ...(found.get(nameOf(digest)) ?? NOTHING) };
    }
  }

  /**
   * Each set is told by the configuration that it came with, and by no other: whoever gives a set of his own may name members as he
   * likes, and gets to see that one alone. A peer of Fabric judges all sets by the configuration that came last.
   */
  async #inTransientStore(txId: string, names: ReadonlySet<string>): Promise<ReadonlyMap<string, Looked>> {
    const found = new Map<string, { readonly payload: Uint8Array[]; refused: boolean }>();
    const policies = new Set<string>();
    let room = this.#mostBytes;
    for await (const { rwset: set, collectionConfigs } of this.#channel.ledger.transient.each(txId)) {
      for (const { namespace, collection, bytes } of setsIn(set)) {
        const name = nameOf({ namespace, collection });
        const config = names.has(name) ? configIn(collectionConfigs.get(namespace), collection) : undefined;
        if (config === undefined) continue;
        policies.add(hex(memberPolicyOf(config)));
        if (policies.size > MOST_CONFIGS) return found;
        const looked = found.get(name) ?? { payload: [], refused: false };
        found.set(name, looked);
        if (!(await this.#judge.isMember(config, this.#requester))) looked.refused = true;
        else if (bytes.length <= room) {
          looked.payload.push(bytes);
          room -= bytes.length;
        }
      }
    }
    return found;
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

const nameOf = ({ namespace, collection }: CollectionName): string => `${namespace}\0${collection}`;

const setsIn = (set: Uint8Array): readonly (CollectionName & { readonly bytes: Uint8Array })[] =>
  rwset.TxPvtReadWriteSet.decode(set).nsPvtRwset.flatMap(({ namespace, collectionPvtRwset }) =>
    collectionPvtRwset.map(({ collectionName: collection, rwset: bytes }) => ({ namespace, collection, bytes })),
  );
