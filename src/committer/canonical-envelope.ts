import { common } from '../protos/messages.ts';

/**
 * Whether envelope bytes have the one form that an ordering service can have hashed: payload, signature (neither empty), then
 * whatever fields we do not know, as they came. The data hash covers no lengths, so bytes could otherwise be moved between
 * envelopes of a block without changing its hash. Go keeps unknown fields behind the known ones, hence so do we.
 * @see VerifyTransactionsAreWellFormed in hyperledger/fabric v2.5, protoutil/blockutils.go
 */
export function isCanonicalEnvelope(bytes: Uint8Array): boolean {
  const envelope = decoded(bytes);
  if (envelope === undefined || envelope.payload.length === 0 || envelope.signature.length === 0) return false;
  const known = common.Envelope.encode(envelope);
  if (Buffer.compare(bytes.subarray(0, known.length), known) !== 0) return false;
  const unknown = decoded(bytes.subarray(known.length));
  return unknown !== undefined && unknown.payload.length === 0 && unknown.signature.length === 0;
}

function decoded(bytes: Uint8Array): common.Envelope | undefined {
  try {
    return common.Envelope.decode(bytes);
  } catch {
    return undefined;
  }
}
