import { common, protos } from '../protos/messages.ts';

/**
 * The short form of a block: per transaction its id, type, validation code and events without payload.
 *
 * @returns undefined for a block that cannot be filtered: an endorser transaction whose transaction or event bytes do not
 *   parse, whatever its code (recorded)
 * @see toFilteredBlock in hyperledger/fabric v2.5, core/peer/deliverevents.go
 */
export function filteredBlock(block: common.Block, channelId: string): protos.FilteredBlockInit | undefined {
  const flags = block.metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? new Uint8Array(0);
  try {
    const filteredTransactions = (block.data?.data ?? []).map((envelope, index) => filteredTransaction(envelope, flags[index] ?? 0));
    return { channelId, number: block.header?.number ?? 0n, filteredTransactions };
  } catch {
    return undefined;
  }
}

function filteredTransaction(envelope: Uint8Array, code: number): protos.FilteredTransactionInit {
  const payload = common.Payload.decode(common.Envelope.decode(envelope).payload);
  const header = common.ChannelHeader.decode(payload.header?.channelHeader ?? new Uint8Array(0));
  const base = { txid: header.txId, type: header.type, txValidationCode: code };
  if (header.type !== common.HeaderType.ENDORSER_TRANSACTION) return base;
  return { ...base, transactionActions: { chaincodeActions: eventsOf(payload.data) } };
}

function eventsOf(transaction: Uint8Array): protos.FilteredChaincodeActionInit[] {
  return protos.Transaction.decode(transaction).actions.flatMap((action) => {
    const payload = protos.ChaincodeActionPayload.decode(action.payload);
    const response = protos.ProposalResponsePayload.decode(payload.action?.proposalResponsePayload ?? new Uint8Array(0));
    const event = protos.ChaincodeEvent.decode(protos.ChaincodeAction.decode(response.extension).events);
    if (event.chaincodeId === '') return [];
    return [{ chaincodeEvent: { chaincodeId: event.chaincodeId, txId: event.txId, eventName: event.eventName } }];
  });
}
