import { detach, equalBytes, hex } from '../../common/bytes.ts';
import { gossip } from '../../protos/messages.ts';
import type { OwnPeer } from '../own-peer.ts';
import { nestedEnvelope, type ReceivedMessage, readEnvelope } from '../wire/envelope.ts';
import { pkiIdOf } from '../wire/ids.ts';

/** An identity as its peer signed it, to be passed from peer to peer. */
export interface IdentityMessage {
  readonly received: ReceivedMessage;
  readonly pkiId: Uint8Array;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
}

/** An identity has 64 KiB at most, and some hundred bytes stand around it. What is kept, and passed on, may not be as large as it likes. */
const MOST_BYTES = 72 * 1024;

/** Whether somebody has blown it up: then it is passed over, and what stands beside it is not. */
export const isTooLarge = ({ payload, signature }: gossip.Envelope): boolean => payload.length + signature.length > MOST_BYTES;

/** What this peer says of its own identity, once and for all. */
export function ownIdentityMessage({ pkiId, identity, sign }: OwnPeer): Uint8Array {
  const payload = gossip.GossipMessage.encode({ tag: gossip.GossipMessage_Tag.EMPTY, peerIdentity: { pkiId, cert: identity } });
  return gossip.Envelope.encode({ payload, signature: sign(payload) });
}

/**
 * Reads what an update holds; undefined when it is no identity, or not that of its pki id. Who signed it is not known yet.
 * @throws {SelvageError} `MALFORMED`
 * @see validateIdentityMsg in hyperledger/fabric v2.5, gossip/gossip/certstore.go
 */
export function identityMessageIn(nested: gossip.Envelope): IdentityMessage | undefined {
  const received = readEnvelope(nestedEnvelope(nested));
  const { pkiId, cert } = received.message.peerIdentity ?? {};
  if (pkiId === undefined || cert === undefined || cert.length === 0 || received.signed.signature.length === 0) return undefined;
  return equalBytes(pkiIdOf(cert), pkiId) ? { received, pkiId, identity: cert } : undefined;
}

/** The identities that this peer can pass on: its own, and those that others passed on to it. Each costs its bytes. */
export class IdentityMessages {
  readonly #envelopes = new Map<string, { readonly pkiId: Uint8Array; readonly envelope: Uint8Array }>();

  constructor(peer: OwnPeer) {
    this.add(peer.pkiId, ownIdentityMessage(peer));
  }

  get size(): number {
    return this.#envelopes.size;
  }

  has(pkiId: Uint8Array): boolean {
    return this.#envelopes.has(hex(pkiId));
  }

  get(pkiId: Uint8Array): Uint8Array | undefined {
    return this.#envelopes.get(hex(pkiId))?.envelope;
  }

  /** Pki ids. */
  list(): readonly Uint8Array[] {
    return [...this.#envelopes.values()].map(({ pkiId }) => pkiId);
  }

  add(pkiId: Uint8Array, envelope: Uint8Array): void {
    this.#envelopes.set(hex(pkiId), { pkiId: detach(pkiId), envelope: detach(envelope) });
  }

  delete(pkiId: Uint8Array): void {
    this.#envelopes.delete(hex(pkiId));
  }
}
