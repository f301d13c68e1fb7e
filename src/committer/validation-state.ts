import type { MaybePromise } from '../common/maybe.ts';
import type { StateValue } from '../ledger/statedb/state.ts';

/** The committed state that validation reads: as of before the block. A `StateSnapshot` is one. */
export interface ValidationState {
  get(namespace: string, key: string): MaybePromise<StateValue | undefined>;
}
