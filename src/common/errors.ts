/** One row per way Selvage can fail: what a gRPC caller sees, and whether trying again can help. */
const FAILURES = {
  MALFORMED: { grpc: 'INVALID_ARGUMENT', retryable: false },
  /** What a call brought is not the message that it takes; gRPC itself has this status for it, in Go. */
  REQUEST_UNREADABLE: { grpc: 'INTERNAL', retryable: false },
  /** The proposal itself is wrong: Fabric answers these with a gRPC error of status UNKNOWN. */
  PROPOSAL_REFUSED: { grpc: 'UNKNOWN', retryable: false },
  IDENTITY_INVALID: { grpc: 'PERMISSION_DENIED', retryable: false },
  ACCESS_DENIED: { grpc: 'PERMISSION_DENIED', retryable: false },
  CHANNEL_NOT_FOUND: { grpc: 'NOT_FOUND', retryable: false },
  CHANNEL_EXISTS: { grpc: 'ALREADY_EXISTS', retryable: false },
  CHANNEL_HALTED: { grpc: 'FAILED_PRECONDITION', retryable: false },
  CONFIG_INVALID: { grpc: 'INVALID_ARGUMENT', retryable: false },
  BLOCK_INVALID: { grpc: 'INVALID_ARGUMENT', retryable: false },
  /** An ordering node does not give a block that others have proven to exist. */
  BLOCKS_WITHHELD: { grpc: 'UNAVAILABLE', retryable: true },
  NOT_FOUND: { grpc: 'NOT_FOUND', retryable: false },
  CHAINCODE_NOT_FOUND: { grpc: 'NOT_FOUND', retryable: false },
  /** The definition of a chaincode was replaced while a transaction began. */
  DEFINITION_CHANGED: { grpc: 'ABORTED', retryable: true },
  CHAINCODE_PACKAGE_INVALID: { grpc: 'INVALID_ARGUMENT', retryable: false },
  CHAINCODE_BUILD_FAILED: { grpc: 'FAILED_PRECONDITION', retryable: false },
  CHAINCODE_LAUNCH_FAILED: { grpc: 'UNAVAILABLE', retryable: true },
  CHAINCODE_STREAM_ENDED: { grpc: 'UNAVAILABLE', retryable: true },
  CHAINCODE_PROTOCOL: { grpc: 'FAILED_PRECONDITION', retryable: false },
  CHAINCODE_FAILED: { grpc: 'UNKNOWN', retryable: false },
  SIMULATION_FAILED: { grpc: 'UNKNOWN', retryable: false },
  /** Another process works in the folder, or this one does so already. */
  FOLDER_IN_USE: { grpc: 'UNAVAILABLE', retryable: true },
  LEDGER_UNAVAILABLE: { grpc: 'UNAVAILABLE', retryable: true },
  LEDGER_CORRUPT: { grpc: 'DATA_LOSS', retryable: false },
  DISK_FULL: { grpc: 'RESOURCE_EXHAUSTED', retryable: true },
  /** More calls than a limit of `peer.limits.concurrency`: Fabric's own status for it. */
  OVERLOADED: { grpc: 'UNKNOWN', retryable: true },
  SETTING_INVALID: { grpc: 'INVALID_ARGUMENT', retryable: false },
  ADDRESS_IN_USE: { grpc: 'UNAVAILABLE', retryable: true },
  DOCKER_UNAVAILABLE: { grpc: 'UNAVAILABLE', retryable: true },
  /** An error that a Docker engine answered with; `details.status` has the HTTP status. */
  DOCKER_REFUSED: { grpc: 'UNKNOWN', retryable: false },
  /** Another peer did not prove who it is, or sent what is no message; Fabric ends its stream with status UNKNOWN and the reason. */
  GOSSIP_REFUSED: { grpc: 'UNKNOWN', retryable: false },
  PEER_UNREACHABLE: { grpc: 'UNAVAILABLE', retryable: true },
  REFUSED_BY_PEER: { grpc: 'UNKNOWN', retryable: false },
  /** There are no peers, or not enough of them, to ask for what a client wants. */
  ENDORSERS_MISSING: { grpc: 'FAILED_PRECONDITION', retryable: true },
  /** A peer that was asked on behalf of a client refused the proposal itself. */
  ENDORSER_REFUSED: { grpc: 'FAILED_PRECONDITION', retryable: false },
  /** The peers that were asked on behalf of a client did not endorse, or not alike. */
  ENDORSEMENT_FAILED: { grpc: 'ABORTED', retryable: true },
  /** The ordering service will never take the transaction as it is. */
  ORDERER_REFUSED: { grpc: 'ABORTED', retryable: false },
  /** Nobody can say any more how a transaction ended. */
  COMMIT_UNKNOWN: { grpc: 'ABORTED', retryable: true },
  /** An answer that no client would take. */
  MESSAGE_TOO_LARGE: { grpc: 'RESOURCE_EXHAUSTED', retryable: false },
  /** A service of Fabric's that this node does not have. */
  UNIMPLEMENTED: { grpc: 'UNIMPLEMENTED', retryable: false },
  /** A discovery request that no query of is answered: Fabric has no better status for it. */
  DISCOVERY_REFUSED: { grpc: 'UNKNOWN', retryable: false },
  /** A reader of blocks left while it was to get more: Fabric counts such streams as ended with status UNKNOWN. */
  READER_LEFT: { grpc: 'UNKNOWN', retryable: false },
  /** Nobody, or not enough peers, can endorse a call as its policies want. */
  NO_ENDORSEMENT_PLAN: { grpc: 'FAILED_PRECONDITION', retryable: true },
  CANCELLED: { grpc: 'CANCELLED', retryable: true },
  DEADLINE_EXCEEDED: { grpc: 'DEADLINE_EXCEEDED', retryable: true },
  INTERNAL: { grpc: 'INTERNAL', retryable: false },
} as const;

export type FailureCode = keyof typeof FAILURES;
export type GrpcStatusName = (typeof FAILURES)[FailureCode]['grpc'];

/** More about a failure, for programs: a protobuf message, as gRPC's richer error model carries it to the caller. */
export interface StatusDetail {
  /** Such as `type.googleapis.com/gateway.ErrorDetail`. */
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

export interface SelvageErrorOptions {
  readonly cause?: unknown;
  /** Identifiers worth a log field: channel, txId, packageId. Never key material, never payload bytes. */
  readonly details?: Readonly<Record<string, string | number>>;
  /** What the person who reads the error can do about it, as one sentence. */
  readonly advice?: string;
  /** Goes to a gRPC caller beside code and message, as far as it fits. */
  readonly statusDetails?: readonly StatusDetail[];
}

/** The only error Selvage throws on purpose. Branch on `code`; the message is for people (and, where Fabric's clients match on it, Fabric's). */
export class SelvageError extends Error {
  override readonly name = 'SelvageError';
  readonly code: FailureCode;
  readonly details: Readonly<Record<string, string | number>>;
  readonly advice: string | undefined;
  readonly statusDetails: readonly StatusDetail[];

  constructor(code: FailureCode, message: string, { cause, details = {}, advice, statusDetails = [] }: SelvageErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
    this.advice = advice;
    this.statusDetails = statusDetails;
  }

  get grpc(): GrpcStatusName {
    return FAILURES[this.code].grpc;
  }

  get retryable(): boolean {
    return FAILURES[this.code].retryable;
  }

  /** Any thrown value as a SelvageError; what we did not foresee is INTERNAL and keeps its cause. */
  static from(thrown: unknown): SelvageError {
    if (thrown instanceof SelvageError) return thrown;
    if (thrown instanceof Error && thrown.name === 'TimeoutError')
      return new SelvageError('DEADLINE_EXCEEDED', 'timed out', { cause: thrown });
    if (thrown instanceof Error && thrown.name === 'AbortError') return new SelvageError('CANCELLED', 'cancelled', { cause: thrown });
    return new SelvageError('INTERNAL', 'internal error', { cause: thrown });
  }
}

/** The message of any thrown value, for a text that names its cause. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

/** The system's name of an error, such as `ENOENT`; undefined for errors of other kinds. */
export const errnoOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
