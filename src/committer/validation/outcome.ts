import { SelvageError } from '../../common/errors.ts';
import type { protos } from '../../protos/messages.ts';

export type Details = Readonly<Record<string, string | number>>;
/** One of `TxValidationCode`. */
export type ValidationCode = (typeof protos.TxValidationCode)[keyof typeof protos.TxValidationCode];

/** Why a transaction does not count: the code for the ledger, and for people a message with its details. */
export interface Invalid {
  readonly code: ValidationCode;
  readonly message: string;
  readonly details: Details;
}

/** What a check found out, or why the transaction is invalid. Only what stops the channel is thrown. */
export type Checked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly invalid: Invalid };

export const passed = <T>(value: T): Checked<T> => ({ ok: true, value });

export const failed = (
  code: ValidationCode,
  message: string,
  details: Details = {},
): { readonly ok: false; readonly invalid: Invalid } => ({
  ok: false,
  invalid: { code, message, details },
});

/** The result of `read`, or `code` where the bytes do not parse. Anything but `MALFORMED` is a fault of ours and goes on up. */
export function parsed<T>(code: ValidationCode, read: () => T): Checked<T> {
  try {
    return passed(read());
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') return failed(code, thrown.message);
    throw thrown;
  }
}
