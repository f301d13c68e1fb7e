import type { Cancellable } from '../common/cancel.ts';
import type { OutputLine } from './output.ts';

/** A transaction that a chaincode is working on. */
export interface OpenTransaction {
  readonly channelId: string;
  readonly txId: string;
}

/** Everything a runtime needs to build a package. */
export interface BuildSpec {
  /** Canonical name, `name:version`, or package id `label:hash`: what the chaincode registers with (`CORE_CHAINCODE_ID_NAME`). */
  readonly ccid: string;
  readonly name: string;
  readonly version: string;
  /** Type of the package in lower case: `golang`, `node`, `java`, `ccaas`, or whatever an external builder knows. */
  readonly platform: string;
  /** `code_package` (tar.gz) as installed; runtimes read it, never change it. */
  readonly codePackage: Uint8Array;
  /** `metadata.json` of the package, as received; absent when it came as a ChaincodeDeploymentSpec, which has none. */
  readonly metadata?: Uint8Array | undefined;
  /** Import path inside the package, for Go. */
  readonly path: string;
  /** Takes what the build prints, and what the chaincode prints after it; absent when the peer keeps none of it. */
  readonly output?: ((line: OutputLine) => void) | undefined;
}

/** A place where packages are built. */
export interface PackageBuilder {
  /**
   * Builds what a launch needs, or finds it built; starts nothing. A package is built once, however many ask for it at the
   * same time, launches included. Rejects with the signal's reason if aborted, and then nothing is left half-built.
   * @throws {SelvageError} `CHAINCODE_BUILD_FAILED`, `CHAINCODE_PACKAGE_INVALID`
   */
  build(spec: BuildSpec, options: Cancellable): Promise<void>;
}

/** Everything a runtime needs to start one instance. */
export interface LaunchSpec extends BuildSpec {
  /** Address that the chaincode dials, `host:port`. */
  readonly peerAddress: string;
  /** PEM texts for the chaincode's side of mutual TLS, absent when TLS is off. */
  readonly tls?: { readonly clientKey: string; readonly clientCert: string; readonly rootCert: string } | undefined;
  /** Which of the chaincode's replicas this is, from 1: what is made for one of them bears its number. Absent when there is but one. */
  readonly replica?: number | undefined;
  /** Environment of the chaincode beside what the runtime adds itself. */
  readonly env: Readonly<Record<string, string>>;
  /** What the chaincode is working on at the moment, so that its output can be told apart. */
  readonly running?: (() => readonly OpenTransaction[]) | undefined;
}

/** How an instance ended. `code` is null when a signal ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  /** What it printed, oldest first, as far as it is kept: all that anybody looks for a cause in. Paths below its package begin with `./`. */
  readonly lastOutput: readonly string[];
}
