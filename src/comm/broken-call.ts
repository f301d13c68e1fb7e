import { SelvageError } from '../common/errors.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import { statusName } from './status.ts';

/** How a call ended that was to go on. */
export interface BrokenCall {
  /** Status and text, as either side's gRPC put it: `RESOURCE_EXHAUSTED: Received message larger than max (…)`. */
  readonly reason: string;
  /** For the sides of a message that was too large for one of them. */
  readonly tooLarge?: { readonly bytes: number; readonly limit: number; readonly ours: boolean } | undefined;
}

/** As grpc-js has it, and the gRPC of Go and of Java. */
const TOO_LARGE = [
  /message larger than max \((?<bytes>\d+) vs\.? (?<limit>\d+)\)/,
  /message exceeds maximum size (?<limit>\d+): (?<bytes>\d+)/,
  /attempted to send message with a size larger than (?<limit>\d+)/i,
];

/** Reads how a call broke. What is no gRPC error is told by its own message. */
export function brokenCall(thrown: unknown): BrokenCall {
  const reason = reasonOf(thrown);
  for (const pattern of TOO_LARGE) {
    const found = pattern.exec(reason)?.groups;
    if (found === undefined) continue;
    const limit = Number(found['limit']);
    return { reason, tooLarge: { bytes: Number(found['bytes'] ?? 0), limit, ours: limit === MAX_MESSAGE_BYTES } };
  }
  return { reason };
}

/** The status and text that the call ended with, wherever among the causes; anything else by what it says. */
function reasonOf(thrown: unknown): string {
  for (let error = thrown; error instanceof SelvageError; error = error.cause) {
    const { grpcStatus, reason = error.message } = error.details;
    if (typeof grpcStatus === 'number') return `${statusName(grpcStatus)}: ${reason}`;
  }
  return SelvageError.from(thrown).code === 'INTERNAL' && thrown instanceof Error ? thrown.message : SelvageError.from(thrown).message;
}
