import { detach } from '../../common/bytes.ts';
import type { gossip } from '../../protos/messages.ts';
import { nestedEnvelope, type ReceivedMessage, readEnvelope } from '../wire/envelope.ts';
import { type Timestamp, timestampOf } from './timestamp.ts';

/** What a peer says of itself every few seconds. Whether it is true is not known yet. */
export interface AliveMessage {
  readonly received: ReceivedMessage;
  readonly pkiId: Uint8Array;
  /** `host:port` for everybody, or ''. */
  readonly endpoint: string;
  readonly timestamp: Timestamp;
  /** `SerializedIdentity` bytes of a peer that has just started; empty otherwise. */
  readonly identity: Uint8Array;
}

/** An alive message has 240 bytes, and a kilobyte more with its identity. What is kept of everybody may not be as large as it likes. */
const MOST_BYTES = 16 * 1024;
/** What an envelope is beside its bytes. */
const FRAME = 64;

/** Whether somebody has blown it up: then it is passed over, and what stands beside it in an answer is not. */
export const isTooLarge = ({ payload, signature, secretEnvelope }: gossip.Envelope): boolean =>
  payload.length + signature.length + (secretEnvelope?.payload.length ?? 0) + (secretEnvelope?.signature.length ?? 0) > MOST_BYTES - FRAME;

/**
 * The alive message in an envelope; undefined where there is none, or one without id or signature.
 * @see ValidateAliveMsg in hyperledger/fabric v2.5, gossip/gossip/gossip_impl.go
 */
export function aliveIn(received: ReceivedMessage): AliveMessage | undefined {
  const { membership, timestamp, identity } = received.message.aliveMsg ?? {};
  const { signature } = received.signed;
  if (membership === undefined || identity === undefined || membership.pkiId.length === 0 || signature.length === 0) return undefined;
  if (received.envelope.length > MOST_BYTES) return undefined;
  return { received, pkiId: membership.pkiId, endpoint: membership.endpoint, timestamp: timestampOf(timestamp), identity };
}

/** The same inside another message. @throws {SelvageError} `MALFORMED` when what is there is no message at all */
export const nestedAlive = (nested: gossip.Envelope): AliveMessage | undefined => aliveIn(readEnvelope(nestedEnvelope(nested)));

/** In memory of its own, for what outlives the message that it came in. */
export function keptAlive(alive: AliveMessage): AliveMessage {
  const kept = aliveIn(readEnvelope(detach(alive.received.envelope)));
  return kept ?? alive;
}
