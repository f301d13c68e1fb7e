import { messageOf, SelvageError } from '../common/errors.ts';

/** The proposal itself is wrong: the client gets a gRPC error of status UNKNOWN with exactly this text. */
export const refusal = (text: string, cause?: unknown): SelvageError => new SelvageError('PROPOSAL_REFUSED', text, { cause });

/** The same failure with text in front of its message. What we did not foresee shows no more than `internal error`. */
export function prefixed(prefix: string, thrown: unknown): SelvageError {
  const error = SelvageError.from(thrown);
  return new SelvageError(error.code, `${prefix}${error.message}`, { cause: thrown, details: error.details });
}

/** Runs one reading step of the checks; what it throws becomes a refusal with `prefix` in front. */
export function reading<T>(prefix: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw refusal(`${prefix}${messageOf(thrown)}`, thrown);
  }
}
