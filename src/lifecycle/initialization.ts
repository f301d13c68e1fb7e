import { textOf, utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { type MaybePromise, whenKnown } from '../common/maybe.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { ChaincodeDefinition } from './definitions.ts';

/** How a chaincode is called: `init` is the call that its definition may require before all others. */
export type CallKind = 'init' | 'transaction';

/** Where a chaincode that must be initialised has the version it was initialised for, in its own namespace. */
export const INITIALIZED = '\u0000\u{10ffff}initialized';

/**
 * Whether a call is the initialisation that its definition requires. The mark is read for every call of such a chaincode, and
 * written by its initialisation.
 * @throws {SelvageError} `SIMULATION_FAILED` with Fabric's text, for a call that comes too early or too late
 * @see CheckInvocation in hyperledger/fabric v2.5, core/chaincode/chaincode_support.go
 */
export function kindOfCall(
  { name, version, initRequired = false }: Pick<ChaincodeDefinition, 'name' | 'version' | 'initRequired'>,
  isInit: boolean,
  simulator: TxSimulator,
): MaybePromise<CallKind> {
  if (!initRequired) {
    if (isInit) throw invalid(`chaincode '${name}' does not require initialization but called as init`);
    return 'transaction';
  }
  return whenKnown(simulator.getState(name, INITIALIZED), (mark) => {
    const missing = mark === undefined || textOf(mark) !== version;
    if (!isInit && missing) throw invalid(`chaincode '${name}' has not been initialized for this version, must call as init first`);
    if (!isInit) return 'transaction';
    if (!missing) throw invalid(`chaincode '${name}' is already initialized but called as init`);
    simulator.putState(name, INITIALIZED, utf8(version));
    return 'init';
  });
}

const invalid = (text: string): SelvageError => new SelvageError('SIMULATION_FAILED', `invalid invocation: ${text}`);
