import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import { SelvageError } from '../common/errors.ts';

/** What the caller may know: a status, our code, our message. The cause stays in our log. */
export function toStatus(error: SelvageError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set('selvage-code', error.code);
  return { code: status[error.grpc], details: error.message, metadata };
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
