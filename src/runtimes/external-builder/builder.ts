import type { Cancellable } from '../../common/cancel.ts';
import type { Logger } from '../../common/log.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import type { ProcessGroup } from '../process/process-group.ts';

/** The folders that the programs of a builder are given, all absolute. */
export interface BuildFolders {
  /** The code package, unpacked. */
  readonly source: string;
  /** Holds `metadata.json`. */
  readonly metadata: string;
  readonly build: string;
  readonly release: string;
}

/** A package on its way through a builder. */
export interface BuilderSubject {
  readonly ccid: string;
  /** `type` of metadata.json as it is written there; '' when it has none. */
  readonly type: string;
  /** Unpacks the package when first asked: what can be told from the type alone needs no folders. */
  readonly folders: () => Promise<BuildFolders>;
  readonly log: Logger;
  /** Takes what its programs print, beside the log. */
  readonly output?: LaunchSpec['output'];
}

export interface RunOptions extends Cancellable {
  readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void;
}

/** Somebody who knows how to build, and perhaps run, packages of some kind. */
export interface Builder {
  readonly name: string;
  /** Whether the package is this builder's. @throws {SelvageError} `CHAINCODE_BUILD_FAILED` when it cannot be asked */
  detect(subject: BuilderSubject, options: Cancellable): Promise<boolean>;
  /** @throws {SelvageError} `CHAINCODE_BUILD_FAILED` with the program's last output in `details` */
  build(subject: BuilderSubject, options: Cancellable): Promise<void>;
  release(subject: BuilderSubject, options: Cancellable): Promise<void>;
  /**
   * Starts the chaincode, for packages whose release has no connection.json.
   * @param runFolder holds `chaincode.json`; its owner removes it when the program has ended
   * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED`
   */
  run(spec: LaunchSpec, buildFolder: string, runFolder: string, options: RunOptions): Promise<ProcessGroup>;
}
