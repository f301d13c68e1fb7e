import type { Timers } from '../../common/timers.ts';
import { gossip } from '../../protos/messages.ts';
import type { OwnPeer } from '../own-peer.ts';
import { type ReceivedMessage, readEnvelope } from '../wire/envelope.ts';

export interface OwnAliveParts {
  readonly peer: OwnPeer;
  readonly timers: Timers;
  /** So long after the start messages carry the identity, for those who do not know it yet. */
  readonly publishIdentityMs: number;
}

/**
 * The alive messages of this peer, each with a larger sequence than the one before.
 * @see createSignedAliveMessage in hyperledger/fabric v2.5, gossip/discovery/discovery_impl.go
 */
export class OwnAlive {
  readonly #parts: OwnAliveParts;
  readonly #started: number;
  #sequence = 0n;
  #latest: ReceivedMessage | undefined;

  constructor(parts: OwnAliveParts) {
    this.#parts = parts;
    this.#started = parts.timers.now().getTime();
  }

  /** The one that was made last. */
  get latest(): ReceivedMessage {
    return this.#latest ?? this.next();
  }

  /** Makes one, signed, with the internal endpoint in a secret envelope. */
  next(): ReceivedMessage {
    const { peer, timers, publishIdentityMs } = this.#parts;
    this.#sequence += 1n;
    const isNew = timers.now().getTime() < this.#started + publishIdentityMs;
    const signed = (payload: Uint8Array) => ({ payload, signature: peer.sign(payload) });
    const secretEnvelope = signed(gossip.Secret.encode({ internalEndpoint: peer.internalEndpoint }));
    this.#latest = readEnvelope(
      gossip.Envelope.encode({ ...signed(alivePayload(peer, this.#sequence, isNew ? peer.identity : undefined)), secretEnvelope }),
    );
    return this.#latest;
  }

  /** As others of its own process are shown it: not signed, and no news. */
  unsigned(): Uint8Array {
    return alivePayload(this.#parts.peer, this.#sequence, undefined);
  }
}

const alivePayload = ({ endpoint, pkiId, incarnation }: OwnPeer, sequence: bigint, identity: Uint8Array | undefined): Uint8Array =>
  gossip.GossipMessage.encode({
    tag: gossip.GossipMessage_Tag.EMPTY,
    aliveMsg: { membership: { endpoint, pkiId }, timestamp: { incNum: incarnation, seqNum: sequence }, identity },
  });
