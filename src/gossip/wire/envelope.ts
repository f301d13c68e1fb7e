/** Gossip's envelopes: kept as received, since what is encoded again need not be what was signed. */
import { SelvageError } from '../../common/errors.ts';
import type { Signer } from '../../msp/identity.ts';
import { gossip } from '../../protos/messages.ts';
import { unreadable } from '../../protos/unreadable.ts';
import { OF_STRANGERS } from '../../protos/wire.ts';
import type { SignedMessage } from '../peers.ts';

/** An envelope and what is in it. All bytes are views of the envelope: copy what is kept for longer than its sender's other messages. */
export interface ReceivedMessage {
  /** `Envelope` bytes as they came: what is passed on. */
  readonly envelope: Uint8Array;
  readonly signed: SignedMessage;
  /** `Secret` bytes and their signature, for the eyes of the sender's organisation. */
  readonly secret: SignedMessage | undefined;
  readonly message: gossip.GossipMessage;
}

/** What was read of an envelope, as long as its bytes are around: several listeners look at the same one. */
const read = new WeakMap<Uint8Array, ReceivedMessage>();

/**
 * Reads an envelope. Nothing is verified, and the number of its parts is bounded. The same bytes are read once.
 * @throws {SelvageError} `MALFORMED` with Fabric's text: whoever sends such a thing loses his stream
 * @see EnvelopeToGossipMessage in hyperledger/fabric v2.5, gossip/protoext/signing.go
 */
export function readEnvelope(envelope: Uint8Array): ReceivedMessage {
  const known = read.get(envelope);
  if (known !== undefined) return known;
  const { payload, signature, secretEnvelope } = gossip.Envelope.decode(envelope, OF_STRANGERS);
  const received = { envelope, signed: { payload, signature }, secret: secretEnvelope, message: readMessage(payload) };
  read.set(envelope, received);
  return received;
}

function readMessage(payload: Uint8Array): gossip.GossipMessage {
  try {
    return gossip.GossipMessage.decode(payload, OF_STRANGERS);
  } catch (cause) {
    throw new SelvageError('MALFORMED', `Failed unmarshalling GossipMessage from envelope: ${unreadable(cause)}`, { cause });
  }
}

/** An envelope inside a message (memberships, snapshots, updates) as bytes of its own. It shares no memory with the message. */
export const nestedEnvelope = (nested: gossip.Envelope): Uint8Array => gossip.Envelope.encode(nested);

/** What may leave the organisation of the author: the same message without its secret. */
export const withoutSecret = ({ envelope, signed, secret }: ReceivedMessage): Uint8Array =>
  secret === undefined ? envelope : gossip.Envelope.encode(signed);

/** `Envelope` bytes of a message that needs no signature. */
export const unsignedEnvelope = (message: gossip.GossipMessageInit): Uint8Array =>
  gossip.Envelope.encode({ payload: gossip.GossipMessage.encode(message) });

/**
 * `Envelope` bytes of a message with this peer's signature.
 * @param internalEndpoint `host:port`: what goes into a secret envelope, signed by itself; without one there is none
 */
export async function signedEnvelope(message: gossip.GossipMessageInit, signer: Signer, internalEndpoint?: string): Promise<Uint8Array> {
  const signed = await signedBytes(gossip.GossipMessage.encode(message), signer);
  if (internalEndpoint === undefined) return gossip.Envelope.encode(signed);
  return gossip.Envelope.encode({ ...signed, secretEnvelope: await signedBytes(gossip.Secret.encode({ internalEndpoint }), signer) });
}

const signedBytes = async (payload: Uint8Array, signer: Signer): Promise<SignedMessage> => ({
  payload,
  signature: await signer.sign(payload),
});

/** The endpoint in a secret envelope; undefined where there is none, or no text in it. */
export function internalEndpointOf({ secret }: Pick<ReceivedMessage, 'secret'>): string | undefined {
  if (secret === undefined) return undefined;
  try {
    return gossip.Secret.decode(secret.payload).internalEndpoint || undefined;
  } catch (thrown) {
    if (thrown instanceof SelvageError) return undefined;
    throw thrown;
  }
}
