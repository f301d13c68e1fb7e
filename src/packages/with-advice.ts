import { SelvageError } from '../common/errors.ts';

/** The text has the advice as well: who installs gets nothing else. */
export const withAdvice = ({ code, message, cause, details, advice }: SelvageError): SelvageError =>
  new SelvageError(code, advice === undefined ? message : `${message}\n${advice}`, {
    cause,
    details,
    ...(advice !== undefined && { advice }),
  });
