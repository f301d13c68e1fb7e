/** Which recorded proposals Selvage cannot answer yet. */
import { protos } from '../../src/protos/messages.ts';
import { recordedReply, targetOf } from './expectation.ts';
import { PROCESS_PROPOSAL, type RecordedCall, type Recording, read } from './recording.ts';

/** @returns why a recorded proposal is not made; undefined when it is */
export function reasonToLeave(recording: Recording, call: RecordedCall): string | undefined {
  if (targetOf(recording, call).startsWith('_lifecycle ')) return 'the system chaincode _lifecycle is not part of Selvage yet';
  if (isInit(recording, call)) return 'initialisation by an invocation (2.x lifecycle) is not part of Selvage yet';
  const refused = recordedReply(recording, call)?.response?.message ?? '';
  if (/must call as init first/.test(refused)) return 'enforced initialisation (2.x lifecycle) is not part of Selvage yet';
  return undefined;
}

function isInit({ network }: Recording, { requests: [file = ''] }: RecordedCall): boolean {
  try {
    const { payload } = protos.Proposal.decode(protos.SignedProposal.decode(read(network, file)).proposalBytes);
    const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(protos.ChaincodeProposalPayload.decode(payload).input);
    return chaincodeSpec?.input?.isInit === true;
  } catch {
    return false;
  }
}

/** The name that the connection of a chaincode to one peer registers with: that of the stream which ran its proposals, here or at another peer. */
export function ccidOf(recording: Recording, peer: number, name: string): string | undefined {
  const txIds = new Set(
    recording.calls.flatMap((call) =>
      call.method === PROCESS_PROPOSAL && targetOf(recording, call).split(' ')[0] === name ? [call.txId] : [],
    ),
  );
  const shares = recording.streams
    .filter(({ ofSteps }) => ofSteps)
    .map(({ ccid, lines }) => ({ ccid, runs: lines.filter(({ type, txid }) => type === 'TRANSACTION' && txIds.has(txid)).length }));
  const best = shares.reduce<(typeof shares)[number] | undefined>((most, each) => (each.runs > (most?.runs ?? 0) ? each : most), undefined);
  return recording.streams.find(({ ofSteps, peer: at, ccid }) => ofSteps && at === peer && ccid === best?.ccid)?.ccid;
}
