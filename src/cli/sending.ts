/** What the commands have in common that send a transaction. */
import type { PeerClient } from '../client/peer-client.ts';
import type { Submission, SubmitParts } from '../client/submit.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import type { Connections } from './connections.ts';
import type { OrdererFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

interface Sending {
  readonly endorsers: readonly PeerClient[];
  readonly channelId: string;
  readonly flags: OrdererFlags & { readonly waitForEvent?: boolean; readonly waitForEventTimeout?: number };
}

/** Who endorses, who orders and, with --waitForEvent, who tells of the commit; what each of them tells is said. */
export async function submitParts(
  connections: Connections,
  { endorsers, channelId, flags }: Sending,
  { say }: Pick<Terminal, 'say'>,
): Promise<SubmitParts> {
  const signer = await connections.signer();
  const [peer] = endorsers;
  return {
    signer,
    endorsers,
    orderer: await connections.broadcaster(flags, peer && { channelId, caller: { peer, signer } }),
    listeners: flags.waitForEvent === true ? endorsers : [],
    ...(flags.waitForEventTimeout !== undefined && { waitMs: flags.waitForEventTimeout }),
    tlsCertHash: connections.tlsCertHash(),
    heard: ({ address }, { codeName }, txId) => say(`txid [${txId}] committed with status (${codeName}) at ${address}`),
  };
}

/** @throws {SelvageError} `REFUSED_BY_PEER` for a transaction that is on the ledger and invalid */
export function refuseInvalid({ proposal: { txId }, commit }: Submission): void {
  if (commit === undefined || commit.code === protos.TxValidationCode.VALID) return;
  throw new SelvageError('REFUSED_BY_PEER', `transaction invalidated with status (${commit.codeName})`, {
    details: { txId },
    advice: `Transaction ${txId} is in block ${commit.blockNumber}, but changed nothing: \`selvage why ${txId}\` says why.`,
  });
}
