import type { Cancellable } from '../common/cancel.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { ChaincodeRef } from '../lifecycle/chaincode-ref.ts';
import type { CallKind } from '../lifecycle/initialization.ts';
import type { protos } from '../protos/messages.ts';

/** A proposal on its way to a chaincode. Bytes are as received. */
export interface ProposalContext {
  readonly signedProposal: protos.SignedProposal;
  readonly channelId: string;
  readonly txId: string;
  /** `SerializedIdentity` bytes of whoever signed the proposal. */
  readonly creator: Uint8Array;
}

/** One call of a chaincode. */
export interface ChaincodeCall {
  readonly chaincode: ChaincodeRef;
  readonly kind: CallKind;
  /** Args, decorations, is_init. */
  readonly input: protos.ChaincodeInputInit;
  readonly proposal: ProposalContext;
  /** Absent for chainless proposals. The caller owns and disposes it. */
  readonly simulator: TxSimulator | undefined;
}

export interface ChaincodeOutcome {
  readonly response: protos.Response;
  /** With chaincode id and tx id overwritten by the peer. */
  readonly event: protos.ChaincodeEvent | undefined;
}

/** Runs chaincode: system chaincode in this process, user chaincode over its stream, launching it first when needed. */
export interface Chaincodes {
  isSystem(name: string): boolean;
  /** Whether it takes calls now: {@link makeReady} would find nothing to do. */
  isReady(chaincode: ChaincodeRef): boolean;
  /**
   * Launches the chaincode if it is not running and waits until it is ready for calls; all waiting callers share one launch.
   * Hold no simulation meanwhile. System chaincodes are always ready.
   * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED`, `CHAINCODE_BUILD_FAILED`, `DEADLINE_EXCEEDED`
   */
  makeReady(chaincode: ChaincodeRef, options: Cancellable): Promise<void>;
  /** @throws {SelvageError} `CHAINCODE_FAILED` (the chaincode answered ERROR), `CHAINCODE_STREAM_ENDED`, `DEADLINE_EXCEEDED` (execute timeout) */
  execute(call: ChaincodeCall, options: Cancellable): Promise<ChaincodeOutcome>;
}
