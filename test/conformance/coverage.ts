/** Which chaincodes were recorded, and on which connections. */
import { recordedReply, targetOf } from './expectation.ts';
import { PROCESS_PROPOSAL, type RecordedStream, type Recording } from './recording.ts';

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
