import type { Logger } from '../../common/log.ts';

/** A command and what it needs; the caller decides the rest of its environment. */
export interface HostCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Getting a package's dependencies. */
export interface InstallStep {
  readonly command: HostCommand;
  /** 64 hex characters over all that the result depends on. Equal keys, equal results. */
  readonly key: string;
  /** Files of the working folder that the command needs, or `everything`: then it may also build the package's own code. */
  readonly needs: readonly string[] | 'everything';
  /** Where the dependencies come from, without credentials, for the log; absent when the user's own settings decide. */
  readonly from: string | undefined;
  /** The folder that the command fills, inside the working folder. */
  readonly produces: string;
}

/** How to run an unpacked package on this machine. */
export interface HostPlan {
  /** Where its commands run, relative to the unpacked package. */
  readonly workingFolder: string;
  /** Absent when there is nothing to get. */
  readonly install: InstallStep | undefined;
  readonly start: (peerAddress: string) => HostCommand;
}

/** What Selvage knows of one chaincode language. */
export interface Platform {
  readonly name: 'golang' | 'node' | 'java';
  /** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` when there are no sources at `path` */
  validateSpec(path: string): Promise<void>;
  /** Code package of a folder, for `install`. */
  pack(path: string, options?: { readonly log?: Logger }): Promise<Uint8Array>;
  /**
   * @param directory an unpacked code package
   * @param codePackage the bytes it was unpacked from
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `CHAINCODE_BUILD_FAILED` when this machine lacks a tool
   */
  hostPlan(directory: string, codePackage: Uint8Array): Promise<HostPlan>;
}
