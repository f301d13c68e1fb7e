import { common, protos } from '../protos/messages.ts';

const { SIGNATURES, TRANSACTIONS_FILTER } = common.BlockMetadataIndex;

/**
 * The block with one VALID per transaction in its filter, where it brings no filter; nothing else is touched, so the hashes stay.
 * @see SetTxFilter for block 0 in hyperledger/fabric v2.5, core/peer/peer.go and core/ledger/ledgermgmt
 */
export function withTransactionsFilter(block: common.Block): common.Block {
  const slots = [...(block.metadata?.metadata ?? [])];
  if ((slots[TRANSACTIONS_FILTER]?.length ?? 0) > 0) return block;
  for (let slot: number = SIGNATURES; slot <= TRANSACTIONS_FILTER; slot += 1) slots[slot] ??= new Uint8Array();
  slots[TRANSACTIONS_FILTER] = new Uint8Array(block.data?.data.length ?? 0).fill(protos.TxValidationCode.VALID);
  return { ...block, metadata: { metadata: slots } };
}
