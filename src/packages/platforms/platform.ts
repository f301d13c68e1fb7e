import type { Cancellable } from '../../common/cancel.ts';
import type { Logger } from '../../common/log.ts';

/** A command and what it needs; the caller decides the rest of its environment. */
export interface HostCommand {
  /** Absolute, or relative to the folder it runs in. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Getting a package's dependencies, and compiling it where its language needs that. */
export interface InstallStep {
  /** What it is, for errors: like `installing the dependencies`. */
  readonly work: string;
  readonly command: HostCommand;
  /** 64 hex characters over all that the result depends on. Equal keys, equal results. */
  readonly key: string;
  /** Files of the working folder that the command needs, or `everything`: then it may also build the package's own code. */
  readonly needs: readonly string[] | 'everything';
  /** Where the dependencies come from, without credentials, for the log; absent when the user's own settings decide. */
  readonly from: string | undefined;
  /** The folder that the command fills, inside the working folder; undefined when it changes files anywhere there. */
  readonly produces: string | undefined;
  /** What is kept and given to instances: that folder alone, or the whole working folder as the command left it. */
  readonly keeps: 'produced' | 'everything';
  /** What must be made before and is there while the command runs, in the folder that it produces. It is not kept. */
  readonly tools?: InstallStep | undefined;
  /** Looks at what the command made in its working folder, and brings it to `produces` where the command did not. */
  readonly finish?: (workingFolder: string) => Promise<void>;
  /** Whether what a failed command left in its working folder is good all the same. */
  readonly tolerates?: (output: readonly string[], workingFolder: string) => Promise<boolean>;
  /** What a failed command means and what to do, from all of its output that was kept. */
  readonly explain: (output: readonly string[]) => BuildVerdict;
}

/** Why a build failed, in words for the person who can change it. */
export interface BuildVerdict {
  /** Like `a dependency is not in the registry`; follows `WORK of CCID exited with 1: `. */
  readonly cause: string;
  readonly advice: string;
}

/** What a language's own memory manager should know, so that it collects garbage before the limit is hit. */
export interface StartLimits {
  /** Absent: no limit but the machine's. */
  readonly memoryBytes?: number | undefined;
}

/** How to run an unpacked package on this machine. */
export interface HostPlan {
  /** Where its commands run, relative to the unpacked package. */
  readonly workingFolder: string;
  /** What is made before it runs, each given to the instance in this order. */
  readonly steps: readonly InstallStep[];
  readonly start: (peerAddress: string, limits?: StartLimits) => HostCommand;
}

/** Which package is meant, where its bytes do not say it. */
export interface PackageSubject {
  /** `ChaincodeID.path`, or `path` of `metadata.json`: the import path for Go, of no meaning to the others. */
  readonly path: string;
  readonly codePackage: Uint8Array;
}

/** What an image is made for. */
export interface ImageSubject extends PackageSubject {
  readonly name: string;
  readonly version: string;
}

/**
 * How Docker makes a chaincode's image, as data: nothing here is executed. First a container of `image` runs `command` by
 * `/bin/sh -c`, with `input` unpacked at `/chaincode/input`; then `/chaincode/output/.` is downloaded as a tar and goes, under the
 * name `output`, beside the Dockerfile into the context of the second stage.
 * @see util.DockerBuild in hyperledger/fabric v1.1.0 and v2.5, core/chaincode/platforms/util/utils.go
 */
export interface DockerBuild {
  readonly image: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** tar.gz */
  readonly input: Uint8Array;
  readonly output: 'binpackage.tar';
  /** The image that the result is put on, as the Dockerfile says; it must be present or pulled. */
  readonly runtimeImage: string;
  /** What the output of a failed command means. */
  readonly explain: InstallStep['explain'];
}

export interface PackPlatformOptions {
  /** Leaves out what was compiled from sources that go in: whoever installs the package compiles them. Fabric's client takes both. */
  readonly sourcesOnly?: boolean | undefined;
  readonly log?: Logger;
}

/** What Selvage knows of one chaincode language. */
export interface Platform {
  readonly name: 'golang' | 'node' | 'java';
  /** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` when there are no sources at `path` */
  validateSpec(path: string): Promise<void>;
  /**
   * Whether a code package can be built at all: allowed names, no links, no name twice, bounded sizes, and what its language cannot
   * do without.
   * An empty package passes.
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text where it has one, or the signal's reason
   */
  validatePackage(codePackage: Uint8Array, options?: Partial<Cancellable>): Promise<void>;
  /** Code package of a folder, for `install`. The same folder gives the same bytes. */
  pack(path: string, options?: PackPlatformOptions): Promise<Uint8Array>;
  /**
   * What `ChaincodeID.path` (or `path` in `metadata.json`) has to be for the package of that folder.
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` when the folder does not tell
   */
  packagePath(path: string): Promise<string>;
  /** First lines of the Dockerfile of the second stage, beginning with `FROM`; labels follow, see dockerfile.ts. */
  dockerfile(): readonly string[];
  /** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` */
  dockerBuild(subject: PackageSubject): Promise<DockerBuild>;
  /** What runs in the container of a chaincode. */
  dockerCommand(peerAddress: string): readonly string[];
  /**
   * @param directory an unpacked code package
   * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`, `CHAINCODE_BUILD_FAILED` when this machine lacks a tool
   */
  hostPlan(directory: string, subject: PackageSubject): Promise<HostPlan>;
}
