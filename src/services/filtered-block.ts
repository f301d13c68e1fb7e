import type { CommittedBlock, TransactionFacts } from '../channel/committed-block.ts';
import { common, type protos } from '../protos/messages.ts';

/**
 * The short form of a block: per transaction its id, type, validation code and events without payload.
 *
 * @returns undefined for a block that cannot be filtered: an endorser transaction whose transaction or event bytes do not
 *   parse, whatever its code (recorded)
 * @see toFilteredBlock in hyperledger/fabric v2.5, core/peer/deliverevents.go
 */
export function filteredBlock({ channelId, number, transactions }: CommittedBlock): protos.FilteredBlockInit | undefined {
  const filteredTransactions = transactions.map(filteredTransaction).filter((each) => each !== undefined);
  return filteredTransactions.length < transactions.length ? undefined : { channelId, number, filteredTransactions };
}

function filteredTransaction({ txId: txid, type, code, events }: TransactionFacts): protos.FilteredTransactionInit | undefined {
  if (events === undefined) return undefined;
  const base = { txid, type, txValidationCode: code };
  if (type !== common.HeaderType.ENDORSER_TRANSACTION) return base;
  const chaincodeActions = events.map(({ chaincodeId, txId, eventName }) => ({ chaincodeEvent: { chaincodeId, txId, eventName } }));
  return { ...base, transactionActions: { chaincodeActions } };
}
