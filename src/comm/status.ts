import { type GrpcStatusName, SelvageError } from '../common/errors.ts';

/** Numbers of gRPC statuses. */
export const Status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const satisfies Record<GrpcStatusName | 'OK' | 'UNIMPLEMENTED' | 'UNAUTHENTICATED', number>;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Status).map(([name, code]) => [code, name]));

/** `RESOURCE_EXHAUSTED` for 8; the number itself where it has no name. */
export const statusName = (code: number): string => NAMES.get(code) ?? String(code);

/** How a call ended. */
export interface CallStatus {
  /** One of {@link Status}. */
  readonly code: number;
  readonly message: string;
  /** Further fields of the trailers, names in small letters, values of visible ASCII. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
}

/** What the caller may know of an error: a status, our code, our message. The cause stays in our log. */
export const statusOf = (error: SelvageError): CallStatus => ({
  code: Status[error.grpc],
  message: fitting(error.message),
  metadata: [['selvage-code', error.code]],
});

/** A status travels in headers, and common clients take no more than 8 KiB of those: one that is too large breaks the connection. */
const MAX_DETAILS = 6_000;

/** As much of the text as fits into a status, counted as it is sent: percent-encoded. */
function fitting(text: string): string {
  let size = 0;
  let kept = '';
  for (const character of text) {
    size += /[ -$&-~]/.test(character) ? 1 : 3 * Buffer.byteLength(character);
    if (size > MAX_DETAILS) return `${kept}… (${text.length - kept.length} more characters)`;
    kept += character;
  }
  return text;
}

/** Another node's status as our error: unreachable, out of time, given up, or refused with a text. */
export function errorOf({ code, message }: CallStatus, address: string, cause?: unknown): SelvageError {
  const options = { details: { address, grpcStatus: code }, ...(cause !== undefined && { cause }) };
  switch (code) {
    case Status.UNAVAILABLE:
      return new SelvageError('PEER_UNREACHABLE', `cannot reach ${address}: ${message}`, {
        ...options,
        details: { ...options.details, reason: message },
      });
    case Status.DEADLINE_EXCEEDED:
      return new SelvageError('DEADLINE_EXCEEDED', `${address} did not answer in time`, options);
    case Status.CANCELLED:
      return new SelvageError('CANCELLED', `the call to ${address} was cancelled`, options);
    default:
      return new SelvageError('REFUSED_BY_PEER', message, options);
  }
}

/** Why a connection did not stand in time. `details.reason` has what the last attempt failed with, in the words of Node and OpenSSL. */
export function notReached(address: string, ms: number, cause: unknown): SelvageError {
  const reason = cause instanceof SelvageError ? cause.details['reason'] : undefined;
  return new SelvageError('PEER_UNREACHABLE', `cannot reach ${address} within ${ms} ms`, {
    cause,
    details: { address, ...(reason !== undefined && { reason }) },
  });
}
