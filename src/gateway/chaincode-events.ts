import type { Channel } from '../channel/channel.ts';
import type { BlockForm, CommittedBlock } from '../channel/committed-block.ts';
import type { Cancellable } from '../common/cancel.ts';
import { LruCache } from '../common/lru.ts';
import { common, gateway, type orderer, protos } from '../protos/messages.ts';
import { unreadable } from '../protos/unreadable.ts';
import { malformed } from './proposed-transaction.ts';
import type { SignedRequests } from './signed-requests.ts';

/** Chaincodes whose blocks are encoded once for all who follow them. */
const MOST_FORMS = 256;

/** Streams of the events of a chaincode, from committed blocks. Each follower holds a number and asks the channel's feed for the next block. */
export class ChaincodeEvents {
  readonly #requests: SignedRequests;
  /** By chaincode; a block keeps what was made by the same function. */
  readonly #forms = new LruCache<string, BlockForm>(MOST_FORMS);

  constructor(requests: SignedRequests) {
    this.#requests = requests;
  }

  /**
   * `ChaincodeEventsResponse` bytes, one for each block that has events of the chaincode; they do not end by themselves. For who asks
   * with a signature, and may read the channel, also after its configuration has changed.
   * @throws {SelvageError} `MALFORMED`, `ACCESS_DENIED`, or the signal's reason
   * @see ChaincodeEvents in hyperledger/fabric v3.1, internal/pkg/gateway/chaincodeevents.go
   */
  async *of(signed: gateway.SignedChaincodeEventsRequest, { signal }: Cancellable): AsyncGenerator<Uint8Array> {
    if (signed.request.length === 0) throw malformed('a chaincode events request is required');
    const { channelId, identity, chaincodeId, ...where } = read(signed.request);
    const mayRead = () => this.#requests.channelFor('gateway/ChaincodeEvents', { channelId, identity }, signed);
    const channel = await mayRead();
    let judged = channel.bundle().sequence;
    let number = await startOf(channel, where);
    let after = where.afterTransactionId;
    for (; ; number += 1n) {
      await channel.feed.waitFor(number, signal);
      if (channel.bundle().sequence !== judged) {
        await mayRead();
        judged = channel.bundle().sequence;
      }
      const block = await channel.feed.at(number);
      signal.throwIfAborted();
      if (block === undefined) continue;
      if (after === '') {
        const form = block.form(this.#formFor(chaincodeId));
        if (form !== undefined) yield form;
        continue;
      }
      const passed = block.transactions.findIndex(({ txId }) => txId === after);
      if (passed < 0) continue;
      after = '';
      const rest = responseOf(block, chaincodeId, passed + 1);
      if (rest !== undefined) yield rest;
    }
  }

  #formFor(chaincodeId: string): BlockForm {
    const form: BlockForm = this.#forms.get(chaincodeId) ?? ((block) => responseOf(block, chaincodeId, 0));
    this.#forms.set(chaincodeId, form);
    return form;
  }
}

function read(bytes: Uint8Array): gateway.ChaincodeEventsRequest {
  try {
    return gateway.ChaincodeEventsRequest.decode(bytes);
  } catch (cause) {
    throw malformed(`invalid chaincode events request: ${unreadable(cause)}`, cause);
  }
}

type StartPosition = Pick<gateway.ChaincodeEventsRequest, 'startPosition' | 'afterTransactionId'>;

/** The block of a transaction that was seen already, if it is here, else the position that is asked for, else the next block. */
async function startOf({ ledger, feed }: Channel, { startPosition, afterTransactionId }: StartPosition): Promise<bigint> {
  const seen = afterTransactionId === '' ? undefined : await ledger.blocks.transaction(afterTransactionId);
  return seen?.blockNumber ?? positionOf(startPosition) ?? feed.height;
}

/** Undefined for the next block. */
function positionOf(position: orderer.SeekPosition | undefined): bigint | undefined {
  if (position?.oldest !== undefined) throw unusable('Oldest');
  if (position?.newest !== undefined) throw unusable('Newest');
  return position?.specified?.number;
}

/** The type as Go prints it. */
const unusable = (type: string) => malformed(`invalid start position type: *orderer.SeekPosition_${type}`);

/** The events of a chaincode in valid transactions from that index on; undefined where there are none. */
function responseOf(block: CommittedBlock, chaincodeId: string, from: number): Uint8Array | undefined {
  const events: protos.ChaincodeEvent[] = [];
  for (const [at, { type, code, events: all = [] }] of block.transactions.entries()) {
    if (at < from || type !== common.HeaderType.ENDORSER_TRANSACTION || code !== protos.TxValidationCode.VALID) continue;
    for (const event of all) if (event.chaincodeId === chaincodeId && event.eventName !== '' && event.txId !== '') events.push(event);
  }
  return events.length === 0 ? undefined : gateway.ChaincodeEventsResponse.encode({ events, blockNumber: block.number });
}
