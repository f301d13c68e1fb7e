import { type MaybePromise, whenKnown } from '../common/maybe.ts';
import type { StateSnapshot } from '../ledger/statedb/state.ts';
import type { ChaincodeRef } from './chaincode-ref.ts';

/** What a channel agreed on for one chaincode. */
export interface ChaincodeDefinition extends ChaincodeRef {
  /** Name of the endorsement plugin, `escc` by default. */
  readonly endorsementPlugin: string;
  readonly validationPlugin: string;
  /** Validation parameter: `SignaturePolicyEnvelope` bytes in the legacy lifecycle, `ApplicationPolicy` bytes in the 2.x one. */
  readonly validationParameter: Uint8Array;
  /** 2.x only: the first call, and it alone, must be its initialisation; see initialization.ts. */
  readonly initRequired?: boolean | undefined;
  /** Legacy only: `ChaincodeData.data` (fingerprint parts), `instantiation_policy`. */
  readonly legacy?: { readonly data: Uint8Array; readonly id: Uint8Array; readonly instantiationPolicy: Uint8Array } | undefined;
}

/** State reads that a definition look-up makes; the recording simulator and a plain snapshot both fit. */
export interface StateReads {
  getState(namespace: string, key: string): MaybePromise<Uint8Array | undefined>;
}

/** The reads of committed state, for a look-up that no transaction depends on. */
export const readsOf = (snapshot: Pick<StateSnapshot, 'get'>): StateReads => ({
  getState: (namespace, key) => whenKnown(snapshot.get(namespace, key), (found) => found?.value),
});

/** Where chaincode definitions come from: the state of `_lifecycle`, and of `lscc` for what the legacy lifecycle deployed. */
export interface Definitions {
  /**
   * Undefined when the channel has no such chaincode. Reads through `state`, so that a simulation records them.
   * @throws {SelvageError} `DEFINITION_CHANGED` when `state` is older than what is known of the channel; `CHAINCODE_NOT_FOUND` for a
   *   definition of the 2.x lifecycle that cannot be run here
   */
  find(state: StateReads, name: string, channelId: string): MaybePromise<ChaincodeDefinition | undefined>;
  /**
   * Whether this peer may run it: the installed package exists, matches the definition's fingerprint and instantiation policy.
   * @throws {SelvageError} `CHAINCODE_NOT_FOUND`, `CHAINCODE_PACKAGE_INVALID` with Fabric's texts
   */
  checkRunnable(definition: ChaincodeDefinition): MaybePromise<void>;
}
