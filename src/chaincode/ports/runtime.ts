import type { Cancellable } from '../../common/cancel.ts';
import type { Exit, LaunchSpec, PackageBuilder } from '../../packages/launch-spec.ts';
import type { ChaincodeConnection } from './connection.ts';

/** One running chaincode. Disposing stops it, with its whole process tree, and waits until it is gone; twice is harmless. */
export interface ChaincodeInstance extends AsyncDisposable {
  readonly id: string;
  /** How the instance ended, whoever ended it. Settles once, never rejects. */
  readonly exited: Promise<Exit>;
  /** Its processes on this machine at the moment, for whoever looks whether they are debugged. Absent where they cannot be told. */
  readonly processes?: (() => Promise<readonly number[]>) | undefined;
  /**
   * Dials chaincode that waits for the peer to come; called once. Absent when the chaincode dials the peer, as it usually does.
   * Disposing the instance closes the connection.
   * @throws {SelvageError} `PEER_UNREACHABLE`; the signal's reason
   */
  readonly connect?: (options: Cancellable) => Promise<ChaincodeConnection>;
}

/** Of one launch. */
export interface LaunchOptions extends Cancellable {
  /**
   * Takes a connection that the launched instance made by a way of the runtime's own, {@link ChaincodeConnection.madeFor} it, instead of
   * dialling the peer's address. Serves it until it ends; never rejects. A runtime that has no such way leaves it alone.
   */
  readonly accept?: (connection: ChaincodeConnection) => Promise<unknown>;
  /** Settles when the instance takes transactions, whichever way it came. Stays open when it never does. */
  readonly registered?: Promise<unknown>;
}

/** A place where chaincode can run. */
export interface ChaincodeRuntime extends PackageBuilder, AsyncDisposable {
  readonly name: string;
  /**
   * Builds (or takes from its cache) and starts one instance. Resolves when it is started, which is before it registers.
   * Rejects with the signal's reason if aborted, and then nothing is left running or half-built.
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, `CHAINCODE_LAUNCH_FAILED`, `CHAINCODE_PACKAGE_INVALID`
   */
  launch(spec: LaunchSpec, options: LaunchOptions): Promise<ChaincodeInstance>;
}
