/** A message of gossip as its author signed it. Bytes are as received. */
export interface SignedMessage {
  /** `GossipMessage` bytes. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** A peer that is alive and whose identity is known here; this peer itself is one. */
export interface Member {
  /** SHA-256 over MSP id and certificate text, 32 bytes. */
  readonly pkiId: Uint8Array;
  readonly mspId: string;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
  /** `host:port` for everybody; '' where the peer is not to be reached from outside its organisation. */
  readonly endpoint: string;
  /** `host:port` for its own organisation; undefined where that is not known here. */
  readonly internalEndpoint: string | undefined;
  /** Its alive message, without the secret envelope; this peer's own has no signature. */
  readonly alive: SignedMessage;
  readonly self: boolean;
}

/** A member that takes part in a channel. */
export interface ChannelMember extends Member {
  /** Its state info. */
  readonly stateInfo: SignedMessage;
  /** Number of blocks on its ledger, as it said last; this peer's own is read when asked. */
  readonly height: bigint;
  /** What it can endorse: versions are sequences for the 2.x lifecycle. */
  readonly chaincodes: readonly { readonly name: string; readonly version: string }[];
}

/** Who there is, as far as this peer knows. */
export interface PeerView {
  /** Everybody who is alive, this peer included. */
  members(): readonly Member[];
  /** Who takes part in a channel, this peer included; nobody where this peer does not. */
  membersOf(channelId: string): readonly ChannelMember[];
  /** MSP ids of all identities that are known, of peers that are not alive too. */
  organizations(): readonly string[];
  /** Calls after who there is, or what they said, has changed. */
  onChanged(listener: () => void): Disposable;
}
