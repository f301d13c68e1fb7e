import type { FailureCode } from '../common/errors.ts';
import { SelvageError } from '../common/errors.ts';
import type { protos } from '../protos/messages.ts';

const EMPTY = new Uint8Array(0);

/** Failures of the peer rather than of the request: these reject, so that the endorser logs them as such. */
const OURS: ReadonlySet<FailureCode> = new Set([
  'INTERNAL',
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'LEDGER_CORRUPT',
  'LEDGER_UNAVAILABLE',
  'DISK_FULL',
]);

/** A refusal by a system chaincode: becomes a response of status 500 with exactly this text. */
export const refused = (text: string, cause?: unknown): SelvageError => new SelvageError('CHAINCODE_FAILED', text, { cause });

/** The payload with status 200, or what was thrown as a response of status 500. @param notFound status of a `NOT_FOUND` instead */
export async function reply(work: () => Promise<Uint8Array>, { notFound = 500 } = {}): Promise<protos.Response> {
  try {
    return { status: 200, message: '', payload: await work() };
  } catch (thrown) {
    const error = SelvageError.from(thrown);
    if (OURS.has(error.code)) throw thrown;
    return { status: error.code === 'NOT_FOUND' ? notFound : 500, message: error.message, payload: EMPTY };
  }
}

/** Runs `work`; what it refuses gets another text, made from its message. */
export async function retold<T>(text: (cause: string) => string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = SelvageError.from(thrown);
    if (OURS.has(error.code)) throw thrown;
    throw refused(text(error.message), thrown);
  }
}
