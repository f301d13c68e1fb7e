import { messageOf, SelvageError } from '../common/errors.ts';

/** The proposal itself is wrong: the client gets a gRPC error of status UNKNOWN with exactly this text. */
export const refusal = (text: string, cause?: unknown, details: SelvageError['details'] = {}): SelvageError =>
  new SelvageError('PROPOSAL_REFUSED', text, { cause, details });

/** Runs one reading step of the checks; what it throws becomes a refusal with `prefix` in front. */
export function reading<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw refusal(`${prefix}${messageOf(thrown)}`, thrown);
  }
}
