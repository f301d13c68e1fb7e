import { SelvageError } from '../common/errors.ts';
import { lastWords, shownLines } from '../packages/last-output.ts';
import type { ChaincodeCall } from './chaincodes.ts';
import type { Place } from './replica-set.ts';

/**
 * A transaction ran out of time, and nothing at all came from its chaincode meanwhile. That is no proof that the chaincode is dead: it
 * may wait for something, or compute, and so may others in it. It is stopped when nobody else runs on it; else when its process does
 * not even take part in its connection for another whole `executeTimeoutMs`, as with an endless loop: then all that ran before ran out
 * of time themselves, and what came after was never looked at.
 * @returns the error of the transaction
 */
export async function silence(
  place: Place,
  { proposal: { txId } }: ChaincodeCall,
  failure: SelvageError,
  executeTimeoutMs: number,
): Promise<SelvageError> {
  if ('reason' in failure.details) return failure; // why it does not answer is known, and not that
  const silent = `the chaincode was silent for the whole execute timeout of transaction ${txId}`;
  const stopped = new SelvageError('DEADLINE_EXCEEDED', silent);
  const others = place.stream.transactions;
  if (others > 0) {
    void stopUnlessItResponds(place, stopped, executeTimeoutMs);
    return told(failure, `${silent}; it was not stopped, because other transactions run on it (${others})`, printedFor(failure));
  }
  const lastOutput = await place.abandon(stopped);
  if (lastOutput === undefined) return failure;
  return told(failure, `${silent}; it was stopped and the next call starts a new one`, lastOutput);
}

async function stopUnlessItResponds({ stream, abandon }: Place, reason: SelvageError, ms: number): Promise<void> {
  const { heard } = stream;
  if ((await stream.responds(ms)) === false && stream.heard === heard) await abandon(reason);
}

const printedFor = ({ details: { lastOutput } }: SelvageError): readonly string[] =>
  lastOutput === undefined ? [] : String(lastOutput).split('\n');

/** Fabric's text first, then ours, then what was printed. */
function told(failure: SelvageError, text: string, lastOutput: readonly string[]): SelvageError {
  const { message } = failure.cause instanceof SelvageError ? failure.cause : failure; // as it was before the output was added
  return new SelvageError('DEADLINE_EXCEEDED', `${message}: ${text}, ${lastWords(lastOutput)}`, {
    details: { lastOutput: shownLines(lastOutput).join('\n') },
  });
}
