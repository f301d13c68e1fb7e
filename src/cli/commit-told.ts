import type { CommitStatus } from '../client/submit.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import type { Terminal } from './terminal.ts';

/**
 * Says that a transaction was committed, by each peer.
 * @throws {SelvageError} `REFUSED_BY_PEER` for a transaction that is on the ledger and invalid
 */
export function tellCommit(
  txId: string,
  { code, codeName, blockNumber }: CommitStatus,
  { say }: Terminal,
  peers: readonly { readonly address: string }[],
): void {
  if (code !== protos.TxValidationCode.VALID)
    throw new SelvageError('REFUSED_BY_PEER', `transaction invalidated with status (${codeName})`, {
      details: { txId },
      advice: `Transaction ${txId} is in block ${blockNumber}, but changed nothing; the peer's log says why.`,
    });
  for (const { address } of peers) say(`txid [${txId}] committed with status (${codeName}) at ${address}`);
}
