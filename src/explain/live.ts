import type { BlockReader, InvalidReason } from '../ledger/ledger.ts';
import { protos } from '../protos/messages.ts';
import { callOf, callText } from './call.ts';
import { changeText, versionsText } from './sentences.ts';
import { plain } from './shown.ts';

/**
 * Who came before a transaction that was just found invalid, as one phrase such as `transfer of basic, by User1@org1.example.com
 * (Org1MSP), in 3f9c… at 12:0`: who wrote what it read, or has its id. Undefined where its reason names nobody.
 */
export async function winnerPhrase(
  { code, txId, details }: InvalidReason,
  blocks: Pick<BlockReader, 'transaction'>,
): Promise<string | undefined> {
  const other = code === protos.TxValidationCode.DUPLICATE_TXID ? txId : details['writtenBy'];
  if (typeof other !== 'string' || other === '') return undefined;
  const found = await blocks.transaction(other);
  if (found === undefined) return undefined;
  return `${callText(callOf(found.envelope))}, in ${other.slice(0, 12)}… at ${found.blockNumber}:${found.index}`;
}

/** Why a transaction was just found invalid, in the words in which it is explained later, safe for a terminal. */
export function reasonText({ code, message, details }: InvalidReason): string {
  if (details['namespace'] === undefined) return plain(message);
  if (code === protos.TxValidationCode.MVCC_READ_CONFLICT) return versionsText(details);
  return code === protos.TxValidationCode.PHANTOM_READ_CONFLICT ? changeText(details) : plain(message);
}
