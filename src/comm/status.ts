import { type GrpcStatusName, SelvageError, type StatusDetail } from '../common/errors.ts';
import { DETAILS_FIELD, decodeDetails, encodeStatus, sizeInBase64 } from './status-details.ts';

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

/** `ResourceExhausted` for 8, as Go names it in logs and metrics. @see String in grpc-go, codes/code_string.go */
export function goStatusName(code: number): string {
  if (code === Status.OK) return 'OK';
  if (code === Status.CANCELLED) return 'Canceled';
  const words = NAMES.get(code)?.toLowerCase().split('_') ?? [];
  return words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('') || `Code(${code})`;
}

/** How a call ended. */
export interface CallStatus {
  /** One of {@link Status}. */
  readonly code: number;
  readonly message: string;
  /** Further fields of the trailers, names in small letters, values of visible ASCII: base64 where the name ends with `-bin`. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
}

/** What the caller may know of an error: a status, our code, our message and details. The cause stays in our log. */
export function statusOf(error: SelvageError): CallStatus {
  const code = Status[error.grpc];
  const own = ['selvage-code', error.code] as const;
  if (error.statusDetails.length === 0) return { code, message: fitting(error.message, MAX_STATUS), metadata: [own] };
  const message = fitting(error.message, MAX_MESSAGE_WITH_DETAILS);
  const status = encodeStatus(code, message, fittingDetails(error.statusDetails, message));
  return { code, message, metadata: [own, [DETAILS_FIELD, Buffer.from(status).toString('base64')]] };
}

/** A status travels in headers, and common clients take no more than 8 KiB of those: one that is too large breaks the connection. */
const MAX_STATUS = 6_000;
/** With details the message travels twice, and they want some room. */
const MAX_MESSAGE_WITH_DETAILS = 2_000;
const MAX_STATUS_WITH_DETAILS = 7_200;

/** As much of the text as fits into a status, counted as it is sent: percent-encoded. */
function fitting(text: string, most: number): string {
  let size = 0;
  let kept = '';
  for (const character of text) {
    size += encodedSize(character);
    if (size > most) return `${kept}… (${text.length - kept.length} more characters)`;
    kept += character;
  }
  return text;
}

const encodedSize = (character: string): number => (/[ -$&-~]/.test(character) ? 1 : 3 * Buffer.byteLength(character));

/** The first of the details, so many as fit beside the message and its copy. Whoever makes many of them makes them small. */
function fittingDetails(details: readonly StatusDetail[], message: string): readonly StatusDetail[] {
  let room = MAX_STATUS_WITH_DETAILS - [...message].reduce((sum, character) => sum + encodedSize(character), 0);
  room -= sizeInBase64(Buffer.byteLength(message) + 16);
  const tooMany = details.findIndex(({ typeUrl, value }) => {
    room -= sizeInBase64(typeUrl.length + value.length + 16);
    return room < 0;
  });
  return tooMany < 0 ? details : details.slice(0, tooMany);
}

/** What a caller may be told more than code and message, as the other side sent it. */
function detailsIn({ metadata = [] }: CallStatus): readonly StatusDetail[] {
  const found = metadata.find(([name]) => name === DETAILS_FIELD)?.[1];
  return found === undefined ? [] : decodeDetails(Buffer.from(found, 'base64'));
}

/** Another node's status as our error: unreachable, out of time, given up, or refused with a text. */
export function errorOf(status: CallStatus, address: string, cause?: unknown): SelvageError {
  const { code, message } = status;
  const options = { details: { address, grpcStatus: code }, statusDetails: detailsIn(status), ...(cause !== undefined && { cause }) };
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
