import { cutText } from '../common/cut-text.ts';
import { type FailureCode, SelvageError, type StatusDetail } from '../common/errors.ts';
import { gateway } from '../protos/messages.ts';

/** A peer or an orderer that did not do what it was asked. */
export interface EndpointFailure {
  readonly address: string;
  readonly mspId: string;
  readonly message: string;
}

/** Characters that all details of one failure share: they travel in the headers of the answer, beside its message. */
const MOST_TEXT = 3_600;
const LEAST_TEXT = 80;

/**
 * What a client of the gateway gets: code and text, and what each node said that was asked.
 * @see newRpcError in hyperledger/fabric v2.5, internal/pkg/gateway/apiutils.go
 */
export function failed(code: FailureCode, message: string, failures: readonly EndpointFailure[] = []): SelvageError {
  const share = Math.max(LEAST_TEXT, Math.floor(MOST_TEXT / Math.max(failures.length, 1)));
  return new SelvageError(code, message, { statusDetails: failures.map((failure) => detailOf(failure, share)) });
}

const detailOf = ({ address, mspId, message }: EndpointFailure, most: number): StatusDetail => ({
  typeUrl: 'type.googleapis.com/gateway.ErrorDetail',
  value: gateway.ErrorDetail.encode({ address, mspId, message: cutText(message, most) }),
});
