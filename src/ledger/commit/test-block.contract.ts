import type { MemoryState } from '../../../test/fakes/memory-state.ts';
import { utf8 } from '../../common/bytes.ts';
import { common, protos } from '../../protos/messages.ts';
import { openSimulator } from '../simulator/open-simulator.ts';
import type { SimulationResult, TxSimulator } from '../simulator/tx-simulator.ts';
import { prepareCommit } from './prepare-commit.ts';
import type { CommitParts, PreparedCommit } from './prepared.ts';

/** Runs `work` in a simulation on the state of now. */
export async function simulated(state: MemoryState, work: (simulator: TxSimulator) => unknown): Promise<SimulationResult> {
  await using simulator = openSimulator({ channelId: 'mychannel', txId: 'tx', snapshot: state.snapshot(), history: undefined });
  await work(simulator);
  return simulator.result();
}

const envelopeOf = (txId: string, type: number, data: Uint8Array): Uint8Array =>
  common.Envelope.encode({
    payload: common.Payload.encode({
      header: { channelHeader: common.ChannelHeader.encode({ type, txId, channelId: 'mychannel' }) },
      data,
    }),
  });

/** An endorser transaction with these results, as far as the commit path reads it. */
export function endorsed(txId: string, results: Uint8Array): Uint8Array {
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({
    extension: protos.ChaincodeAction.encode({ results, response: { status: 200 } }),
  });
  const payload = protos.ChaincodeActionPayload.encode({ action: { proposalResponsePayload } });
  return envelopeOf(txId, common.HeaderType.ENDORSER_TRANSACTION, protos.Transaction.encode({ actions: [{ payload }] }));
}

export const configTransaction = (data: Uint8Array): Uint8Array => envelopeOf('config', common.HeaderType.CONFIG, data);

export const otherTransaction = (type: number, data: Uint8Array = utf8('data')): Uint8Array => envelopeOf('other', type, data);

export const blockOf = (number: bigint, transactions: readonly Uint8Array[]): common.Block =>
  common.Block.decode(common.Block.encode({ header: { number }, data: { data: transactions } }));

/** Prepares a block of these transactions, all VALID so far, and commits what comes of it. */
export async function commit(
  state: MemoryState,
  number: bigint,
  transactions: readonly Uint8Array[],
  parts: Partial<CommitParts> = {},
): Promise<PreparedCommit> {
  using snapshot = state.snapshot();
  const flags = new Uint8Array(transactions.length);
  const prepared = await prepareCommit({ block: blockOf(number, transactions), flags, snapshot, ...parts });
  await state.commit(prepared.updates, { blockNum: number, txNum: BigInt(transactions.length) });
  return prepared;
}
