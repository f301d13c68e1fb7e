import type { Channel } from '../channel/channel.ts';
import type { CommittedBlock } from '../channel/committed-block.ts';
import { collectionBelow } from '../lifecycle/collections-of-block.ts';
import type { SignedData } from '../msp/policies/policy.ts';
import { common, protos, rwset } from '../protos/messages.ts';

/**
 * A block with the private data that this peer has of it and the requester may read: collections that were `memberOnlyRead` when the
 * block came are for their members, the others for every reader of blocks.
 * @returns `DeliverResponse` bytes; they are made for one requester and not to be shared
 * @see blockAndPrivateDataResponseSender in hyperledger/fabric v2.5, core/peer/deliverevents.go
 */
export async function blockWithPrivateData(
  { block, number }: CommittedBlock,
  channel: Channel,
  subject: readonly SignedData[],
): Promise<Uint8Array> {
  const reading = new Reading(channel, subject, number);
  const privateDataMap = new Map<bigint, rwset.TxPvtReadWriteSetInit>();
  for (const [index, sets] of await channel.ledger.privateData.ofBlock(number)) {
    const nsPvtRwset: rwset.NsPvtReadWriteSetInit[] = [];
    for (const set of sets) nsPvtRwset.push(...(await reading.readable(rwset.TxPvtReadWriteSet.decode(set))));
    if (nsPvtRwset.length > 0) privateDataMap.set(BigInt(index), { dataModel: rwset.TxReadWriteSet_DataModel.KV, nsPvtRwset });
  }
  return protos.DeliverResponse.encode({ blockAndPrivateData: { block, privateDataMap } });
}

/** What one requester may see of one block: each collection is looked up and judged once. */
class Reading {
  readonly #channel: Channel;
  readonly #subject: readonly SignedData[];
  readonly #blockNum: bigint;
  readonly #verdicts = new Map<string, boolean>();

  constructor(channel: Channel, subject: readonly SignedData[], blockNum: bigint) {
    this.#channel = channel;
    this.#subject = subject;
    this.#blockNum = blockNum;
  }

  /** One entry per namespace, as Fabric has them. */
  async readable({ nsPvtRwset }: rwset.TxPvtReadWriteSet): Promise<rwset.NsPvtReadWriteSetInit[]> {
    const byNamespace = new Map<string, rwset.CollectionPvtReadWriteSetInit[]>();
    for (const { namespace, collectionPvtRwset } of nsPvtRwset) {
      for (const set of collectionPvtRwset) {
        if (!(await this.#mayRead(namespace, set.collectionName))) continue;
        byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), set]);
      }
    }
    return [...byNamespace].map(([namespace, collectionPvtRwset]) => ({ namespace, collectionPvtRwset }));
  }

  async #mayRead(namespace: string, collection: string): Promise<boolean> {
    const id = `${namespace}\0${collection}`;
    const verdict = this.#verdicts.get(id) ?? (await this.#judge(namespace, collection));
    this.#verdicts.set(id, verdict);
    return verdict;
  }

  async #judge(namespace: string, collection: string): Promise<boolean> {
    const found = await collectionBelow(this.#channel.ledger, { namespace, collection }, this.#blockNum);
    if (found === undefined) return false;
    if (found.kind === 'implicit' || found.config.memberOnlyRead !== true) return true;
    const members = common.SignaturePolicyEnvelope.encode(found.config.memberOrgsPolicy?.signaturePolicy ?? {});
    return (await this.#channel.bundle().signaturePolicy(members).evaluate(this.#subject)).ok;
  }
}
