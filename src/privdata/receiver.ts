import type { Channel, Channels } from '../channel/channel.ts';
import { hex } from '../common/bytes.ts';
import { cutText } from '../common/cut-text.ts';
import { SelvageError } from '../common/errors.ts';
import type { Logger } from '../common/log.ts';
import { Refusals } from '../common/refusals.ts';
import { Scope } from '../common/scope.ts';
import type { Neighbour } from '../gossip/links.ts';
import { readsOf } from '../lifecycle/definitions.ts';
import { ownerOf } from '../lifecycle/implicit-collections.ts';
import { findCollection, isMember } from '../lifecycle/lifecycle-collections.ts';
import { type gossip, kvrwset, protos, rwset } from '../protos/messages.ts';
import { configIn } from './collection-config.ts';
import { handshakeOf } from './member-judge.ts';
import { ReceivedBudget } from './received-budget.ts';

export interface ReceiverParts {
  readonly channels: Channels;
  /** This peer's organisation. */
  readonly mspId: string;
  /** Blocks after which what never came to be committed is dropped, as the transient store has it. */
  readonly retention: bigint;
  readonly budget?: ReceivedBudget;
  readonly log: Logger;
}

/** Longer names are nobody's. */
const LONGEST_NAME = 1024;
/** Of one set: some hundred thousand keys. Nobody has verified it, and two bytes of it can become an object of a hundred. */
const MOST_FIELDS = 1_000_000;
/** A sender may be so many blocks ahead of this peer; what claims to be further does not stay the longer for it. */
const MOST_AHEAD = 10_000n;

/**
 * Takes private data that another peer gives, of transactions that are not committed yet, if it is for this organisation and there is
 * room. What it is worth is seen when the transaction comes with its hash.
 * @see gossip/state in hyperledger/fabric v2.5, privateDataMessage; a peer of Fabric takes whatever a reader of the channel gives
 */
export class Receiver implements AsyncDisposable {
  readonly #parts: ReceiverParts;
  readonly #budget: ReceivedBudget;
  readonly #refusals: Refusals;
  readonly #listening = new Scope();

  constructor(parts: ReceiverParts) {
    this.#parts = parts;
    this.#budget = parts.budget ?? new ReceivedBudget();
    this.#refusals = new Refusals(parts.log, 'private data of another peer is not taken');
  }

  /** What was received for a channel stops to count as its blocks are committed. */
  follow(channel: Channel): void {
    this.#listening.use(
      channel.feed.listen(({ block: { number, transactions } }) => {
        for (const { txId } of transactions) this.#budget.release(accountOf(channel.id, txId));
        const kept = this.#parts.retention + MOST_AHEAD;
        if (number > kept) this.#budget.releaseBelow(number - kept);
      }),
    );
  }

  /** @returns what the sender is told: a refusal, nothing at all, or that it is kept */
  async received(
    data: gossip.PrivatePayload,
    channelId: string,
    from: Neighbour,
  ): Promise<undefined | { readonly refused: string } | 'silence'> {
    const channel = this.#parts.channels.get(channelId);
    if (channel === undefined) return 'silence';
    const readers = await channel
      .bundle()
      .policies.get('/Channel/Application/Readers')
      .evaluate([handshakeOf(from)]);
    if (!readers.ok) return this.#silence('Got unauthorized request', { channelId, from, why: readers.reason });
    const malformed = malformation(data);
    if (malformed !== undefined) return this.#silence('Malformed private data message', { channelId, from, why: malformed });
    const refused = (await this.#notForUs(data, channel)) ?? this.#noRoom(data, channel, from);
    if (refused !== undefined) return this.#refuse(refused, { channelId, from });
    try {
      await this.#keep(data, channel);
      return undefined;
    } catch (thrown) {
      return this.#refuse(SelvageError.from(thrown).message, { channelId, from });
    }
  }

  async #keep(
    { txId, namespace, collectionName, privateRwset, privateSimHeight, collectionConfigs }: gossip.PrivatePayload,
    { ledger }: Channel,
  ) {
    const set = rwset.TxPvtReadWriteSet.encode({
      dataModel: rwset.TxReadWriteSet_DataModel.KV,
      nsPvtRwset: [{ namespace, collectionPvtRwset: [{ collectionName, rwset: privateRwset }] }],
    });
    const most = ledger.blocks.info().height + MOST_AHEAD;
    const configs = collectionConfigs === undefined ? {} : { collectionConfigs: new Map([[namespace, collectionConfigs]]) };
    await ledger.transient.put(txId, privateSimHeight < most ? privateSimHeight : most, set, configs);
  }

  /** By the configuration that came along, which may be newer than this peer's, or by the one that is committed here. */
  async #notForUs(
    { namespace, collectionName, collectionConfigs }: gossip.PrivatePayload,
    { ledger }: Channel,
  ): Promise<string | undefined> {
    const { mspId } = this.#parts;
    const text = `${mspId} is no member of collection ${collectionName} of chaincode ${namespace}`;
    const owner = ownerOf(collectionName);
    if (owner !== undefined) return owner === mspId ? undefined : text;
    const pushed = configIn(collectionConfigs, collectionName);
    if (pushed !== undefined && isMember({ kind: 'defined', config: pushed }, mspId)) return undefined;
    using snapshot = ledger.snapshot();
    const committed = await findCollection(readsOf(snapshot), namespace, collectionName);
    return committed !== undefined && isMember(committed, mspId) ? undefined : text;
  }

  #noRoom(data: gossip.PrivatePayload, { id, ledger }: Channel, { mspId, pkiId }: Neighbour): string | undefined {
    const bytes = sizeOf(data);
    const sender = { mspId, pkiId: hex(pkiId) };
    const admitted = this.#budget.admit(accountOf(id, data.txId), bytes, sender, ledger.blocks.info().height);
    return admitted ? undefined : `no room for ${bytes} more bytes of private data from ${mspId}`;
  }

  #silence(reason: string, refusal: Omit<Refusal, 'reason'>): 'silence' {
    this.#note({ ...refusal, reason });
    return 'silence';
  }

  #refuse(reason: string, refusal: Omit<Refusal, 'reason'>): { readonly refused: string } {
    this.#note({ ...refusal, reason });
    return { refused: cutText(reason, 300) };
  }

  #note({ channelId, from, reason, why }: Refusal): void {
    this.#refusals.note({ channel: channelId, mspId: from.mspId, pkiId: hex(from.pkiId), reason: cutText(reason, 300), why });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening[Symbol.asyncDispose]();
  }
}

interface Refusal {
  readonly channelId: string;
  readonly from: Neighbour;
  readonly reason: string;
  readonly why?: string;
}

/** All that is kept of it: a configuration can be larger than the data that it came with. */
const sizeOf = ({ privateRwset, collectionConfigs }: gossip.PrivatePayload): number =>
  privateRwset.length + (collectionConfigs === undefined ? 0 : protos.CollectionConfigPackage.encode(collectionConfigs).length);

const accountOf = (channelId: string, txId: string): string => `${channelId}\0${txId}`;

function malformation({ txId, namespace, collectionName, privateRwset }: gossip.PrivatePayload): string | undefined {
  if (txId === '' || namespace === '' || collectionName === '') return 'names are missing';
  if ([txId, namespace, collectionName].some(({ length }) => length > LONGEST_NAME)) return 'names are too long';
  if (/\0/.test(namespace + collectionName)) return 'names hold zero bytes';
  if (privateRwset.length === 0) return 'the write set is empty';
  try {
    kvrwset.KVRWSet.decode(privateRwset, { mostFields: MOST_FIELDS });
    return undefined;
  } catch (thrown) {
    return SelvageError.from(thrown).message;
  }
}
