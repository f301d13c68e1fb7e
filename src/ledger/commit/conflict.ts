import { protos } from '../../protos/messages.ts';
import type { Version } from '../version.ts';

/** Why a transaction of a block does not count: a code for the ledger, the rest for people. */
export interface Conflict {
  readonly code: number;
  readonly message: string;
  readonly details: Readonly<Record<string, string | number>>;
  /** The committed version that was found instead of the one read. */
  readonly found?: Version | undefined;
}

/** `block:transaction`, or `none` for a key that is not there. */
export const versionText = (version: Version | undefined): string =>
  version === undefined ? 'none' : `${version.blockNum}:${version.txNum}`;

/** A transaction that is not what its flag says: something a peer's own validation lets nobody do. */
export const broken = (message: string): Conflict => ({ code: protos.TxValidationCode.INVALID_OTHER_REASON, message, details: {} });
