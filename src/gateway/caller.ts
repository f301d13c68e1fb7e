import { orAbort } from '../common/cancel.ts';
import { SelvageError } from '../common/errors.ts';

/** The work's outcome, or a `DEADLINE_EXCEEDED` of that text as soon as the client's call is over. What still runs hears of it by the signal. */
export async function whileWaited<T>(work: Promise<T>, signal: AbortSignal, late: string): Promise<T> {
  try {
    return await orAbort(work, signal);
  } catch (thrown) {
    if (signal.reason instanceof SelvageError && signal.reason.code === 'OVERLOADED') throw signal.reason;
    if (signal.aborted) throw new SelvageError('DEADLINE_EXCEEDED', late, { cause: thrown });
    throw thrown;
  }
}
