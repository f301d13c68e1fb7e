import { SelvageError } from './errors.ts';

/** The same failure with text in front of its message, and more details. What was not foreseen shows as `internal error`. */
export function prefixed(prefix: string, thrown: unknown, details: Readonly<Record<string, string | number>> = {}): SelvageError {
  const cause = SelvageError.from(thrown);
  return new SelvageError(cause.code, `${prefix}${cause.message}`, {
    cause,
    details: { ...cause.details, ...details },
    ...(cause.advice !== undefined && { advice: cause.advice }),
  });
}
