import { type FailureCode, SelvageError, type StatusDetail } from '../common/errors.ts';
import { gateway } from '../protos/messages.ts';

/** A peer or an orderer that did not do what it was asked. */
export interface EndpointFailure {
  readonly address: string;
  readonly mspId: string;
  readonly message: string;
}

/**
 * What a client of the gateway gets: code and text, and what each node said that was asked.
 * @see newRpcError in hyperledger/fabric v2.5, internal/pkg/gateway/apiutils.go
 */
export function failed(code: FailureCode, message: string, failures: readonly EndpointFailure[] = []): SelvageError {
  const share = Math.max(LEAST, Math.floor(roomBeside(message) / Math.max(failures.length, 1)) - FRAME);
  return new SelvageError(code, message, { statusDetails: failures.map((failure) => detailOf(failure, share)) });
}

const LEAST = 80;
/** What a detail is beside its text: its type, an address and an MSP id. */
const FRAME = 130;

/** Bytes for details in the headers of an answer: they go there in base64, and the message twice, as it is and percent-encoded. */
function roomBeside(message: string): number {
  const twice = 2.34 * Math.min(2_100, 3 * Buffer.byteLength(message));
  return Math.floor((7_200 - twice) * 0.75);
}

const detailOf = ({ address, mspId, message }: EndpointFailure, most: number): StatusDetail => ({
  typeUrl: 'type.googleapis.com/gateway.ErrorDetail',
  value: gateway.ErrorDetail.encode({ address, mspId, message: cutToBytes(message, most) }),
});

/** The text, or so much of its beginning as has that many bytes, and that there was more. */
function cutToBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  const kept = bytes.subarray(0, most - 3).toString('utf8');
  return `${kept.replace(/\ufffd+$/, '')}…`; // no half characters
}
