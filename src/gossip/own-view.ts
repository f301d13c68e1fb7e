import type { OwnChannels } from './channels/own-channels.ts';
import type { OwnAlive } from './membership/own-alive.ts';
import type { OwnPeer } from './own-peer.ts';
import type { ChannelMember, Member, PeerView } from './peers.ts';

export interface OwnViewParts {
  readonly peer: OwnPeer;
  readonly channels: OwnChannels;
  readonly alive: OwnAlive;
}

/** A peer that knows of nobody but itself. */
export class OwnView implements PeerView {
  readonly #parts: OwnViewParts;
  readonly #self: Member;

  constructor(parts: OwnViewParts) {
    this.#parts = parts;
    const { peer, alive } = parts;
    this.#self = {
      pkiId: peer.pkiId,
      mspId: peer.mspId,
      identity: peer.identity,
      endpoint: peer.endpoint,
      internalEndpoint: peer.internalEndpoint,
      alive: { payload: alive.unsigned(), signature: new Uint8Array() },
      self: true,
    };
  }

  members(): readonly Member[] {
    return [this.#self];
  }

  membersOf(channelId: string): readonly ChannelMember[] {
    const own = this.#parts.channels.get(channelId)?.current();
    if (own === undefined) return [];
    const { stateInfo, height, chaincodes } = own;
    return [{ ...this.#self, stateInfo, height, chaincodes }];
  }

  organizations(): readonly string[] {
    return [this.#self.mspId];
  }

  onChanged(listener: () => void): Disposable {
    return this.#parts.channels.onChanged(listener);
  }
}
