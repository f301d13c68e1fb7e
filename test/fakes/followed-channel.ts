/** Blocks with transactions of chosen ids, codes and events, committed on a channel in memory. */
import { CommittedBlock } from '../../src/channel/committed-block.ts';
import { utf8 } from '../../src/common/bytes.ts';
import { common, protos } from '../../src/protos/messages.ts';
import type { MemoryChannel } from './recorded-channel.ts';

export interface FakeTransaction {
  readonly txId: string;
  /** VALID unless told. */
  readonly code?: number;
  /** Of chaincode `cc` unless told, and with the id of the transaction. */
  readonly event?: Partial<protos.ChaincodeEventInit> | string;
  readonly type?: number;
}

/** On the ledger and announced. */
export function commitBlock(channel: MemoryChannel, transactions: readonly FakeTransaction[]): bigint {
  const block = storeBlock(channel, transactions);
  announceBlock(channel, block);
  return block.header?.number ?? 0n;
}

/** On the ledger, and nobody was told. */
export function storeBlock({ ledger }: MemoryChannel, transactions: readonly FakeTransaction[]): common.Block {
  const codes = Uint8Array.from(transactions, ({ code = protos.TxValidationCode.VALID }) => code);
  const block = common.Block.decode(
    common.Block.encode({
      header: { number: ledger.blocks.height },
      data: { data: transactions.map(envelopeOf) },
      metadata: { metadata: [new Uint8Array(), new Uint8Array(), codes] },
    }),
  );
  ledger.blocks.add(block);
  return block;
}

export const announceBlock = (channel: MemoryChannel, block: common.Block): void =>
  channel.feed.announce({ block: new CommittedBlock(channel.id, block), reasons: [] });

function envelopeOf({ txId, event, type = common.HeaderType.ENDORSER_TRANSACTION }: FakeTransaction): Uint8Array {
  const channelHeader = common.ChannelHeader.encode({ type, txId, channelId: 'ch' });
  const parts = typeof event === 'string' ? { eventName: event } : event;
  const events = parts && protos.ChaincodeEvent.encode({ chaincodeId: 'cc', txId, payload: utf8('payload'), ...parts });
  const extension = protos.ChaincodeAction.encode({ events });
  const action = { proposalResponsePayload: protos.ProposalResponsePayload.encode({ extension }) };
  const data = protos.Transaction.encode({ actions: [{ payload: protos.ChaincodeActionPayload.encode({ action }) }] });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
}
