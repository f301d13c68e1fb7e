import type { Cancellable } from '../common/cancel.ts';

/** Everything a runtime needs to start one instance. */
export interface LaunchSpec {
  /** Canonical name, `name:version`, or package id `label:hash`: what the chaincode registers with (`CORE_CHAINCODE_ID_NAME`). */
  readonly ccid: string;
  readonly name: string;
  readonly version: string;
  readonly platform: 'golang' | 'node' | 'java';
  /** `code_package` (tar.gz) as installed; runtimes read it, never change it. */
  readonly codePackage: Uint8Array;
  /** Import path inside the package, for Go. */
  readonly path: string;
  /** Address that the chaincode dials, `host:port`. */
  readonly peerAddress: string;
  /** PEM texts for the chaincode's side of mutual TLS, absent when TLS is off. */
  readonly tls?: { readonly clientKey: string; readonly clientCert: string; readonly rootCert: string } | undefined;
  /** Environment of the chaincode beside what the runtime adds itself. */
  readonly env: Readonly<Record<string, string>>;
}

/** How an instance ended. `code` is null when a signal ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines it printed, oldest first, at most 20. */
  readonly lastOutput: readonly string[];
}

/** One running chaincode. Disposing stops it, with its whole process tree, and waits until it is gone; twice is harmless. */
export interface ChaincodeInstance extends AsyncDisposable {
  readonly id: string;
  /** How the instance ended, whoever ended it. Settles once, never rejects. */
  readonly exited: Promise<Exit>;
}

/** A place where chaincode can run. */
export interface ChaincodeRuntime extends AsyncDisposable {
  readonly name: string;
  /**
   * Builds (or takes from its cache) and starts one instance. Resolves when it is started, which is before it registers.
   * Rejects with the signal's reason if aborted, and then nothing is left running or half-built.
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, `CHAINCODE_LAUNCH_FAILED`, `CHAINCODE_PACKAGE_INVALID`
   */
  launch(spec: LaunchSpec, options: Cancellable): Promise<ChaincodeInstance>;
}
