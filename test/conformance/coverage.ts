/** Which recorded proposals Selvage cannot answer yet. */
import { protos } from '../../src/protos/messages.ts';
import { recordedReply, targetOf } from './expectation.ts';
import { PROCESS_PROPOSAL, type RecordedCall, type RecordedStream, type Recording, read } from './recording.ts';

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

/** Chaincodes that a channel has: those that endorsed something. */
export function endorsedChaincodes(recording: Recording): ReadonlySet<string> {
  const endorsed = recording.calls.filter(
    (call) => call.method === PROCESS_PROPOSAL && recordedReply(recording, call)?.endorsement !== undefined,
  );
  return new Set(endorsed.map((call) => targetOf(recording, call).split(' ')[0] ?? ''));
}

/** The name of the chaincode behind a connection: that of most proposals it ran; in a run of its own, what its id begins with. */
export function chaincodeOf(recording: Recording, { ccid, lines }: RecordedStream): string | undefined {
  const counts = [...endorsedChaincodes(recording)].map((name) => {
    const txIds = transactionsOf(recording, name);
    return { name, runs: lines.filter(({ type, txid }) => type === 'TRANSACTION' && txIds.has(txid)).length };
  });
  const best = most(counts);
  return best?.name ?? (ccid.includes(':') ? ccid.slice(0, ccid.indexOf(':')) : undefined);
}

const transactionsOf = (recording: Recording, name: string): ReadonlySet<string> =>
  new Set(
    recording.calls.flatMap((call) =>
      call.method === PROCESS_PROPOSAL && targetOf(recording, call).split(' ')[0] === name ? [call.txId] : [],
    ),
  );

const most = <T extends { readonly runs: number }>(counts: readonly T[]): T | undefined =>
  counts.reduce<T | undefined>((best, each) => (each.runs > (best?.runs ?? 0) ? each : best), undefined);

/** The name that the connection of a chaincode to one peer registers with: that of the stream which ran its proposals, here or at another peer. */
export function ccidOf(recording: Recording, peer: number, name: string): string | undefined {
  const txIds = transactionsOf(recording, name);
  const best = most(
    recording.streams
      .filter(({ ofSteps }) => ofSteps)
      .map(({ ccid, lines }) => ({ ccid, runs: lines.filter(({ type, txid }) => type === 'TRANSACTION' && txIds.has(txid)).length })),
  );
  return recording.streams.find(({ ofSteps, peer: at, ccid }) => ofSteps && at === peer && ccid === best?.ccid)?.ccid;
}
