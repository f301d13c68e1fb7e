import type { Call, Place } from './call.ts';

/** A transaction that matters for another one. */
export interface Cited {
  readonly place: Place;
  readonly code: string;
  readonly call: Call;
}

/** Why a transaction is what it is. */
export interface Explanation {
  readonly channelId: string;
  readonly place: Place;
  readonly call: Call;
  /** Name of its `TxValidationCode`. */
  readonly code: string;
  readonly valid: boolean;
  /** One sentence. */
  readonly reason: string;
  /** What the reason stands on, such as namespace, key, versionRead, versionFound; values of the ledger as they are. */
  readonly details: Readonly<Record<string, string | number>>;
  /** The transaction that came before it: who wrote what it read, or has its id. */
  readonly winner: Cited | undefined;
  /** Whether {@link winner} is only the newest of those that may be it. */
  readonly perhaps: boolean;
  /** What it wrote or would have written, one line each. */
  readonly writes: readonly string[];
  /** One thing to do; '' where there is nothing to do. */
  readonly remedy: string;
  /** What could not be found out, and what would help. */
  readonly doubts: readonly string[];
}
