import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { SelvageError } from '../common/errors.ts';

/** What the caller may know: a status, our code, our message. The cause stays in our log. */
export function toStatus(error: SelvageError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set('selvage-code', error.code);
  return { code: status[error.grpc], details: fitting(error.message), metadata };
}

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

/** Another node's gRPC error as ours: unreachable, out of time, given up, or refused with a text. */
export function fromServiceError(error: ServiceError, address: string): SelvageError {
  const details = { address, grpcStatus: error.code };
  switch (error.code) {
    case status.UNAVAILABLE:
      return new SelvageError('PEER_UNREACHABLE', `cannot reach ${address}: ${error.details}`, { cause: error, details });
    case status.DEADLINE_EXCEEDED:
      return new SelvageError('DEADLINE_EXCEEDED', `${address} did not answer in time`, { cause: error, details });
    case status.CANCELLED:
      return new SelvageError('CANCELLED', `the call to ${address} was cancelled`, { cause: error, details });
    default:
      return new SelvageError('REFUSED_BY_PEER', error.details, { cause: error, details });
  }
}
