import { SelvageError } from '../common/errors.ts';

/** Why no peers can endorse a call together, with Fabric's text: the gateway shows it to clients. */
export const noPlan = (why: string, cause?: unknown): SelvageError =>
  new SelvageError('NO_ENDORSEMENT_PLAN', why, cause === undefined ? {} : { cause });
