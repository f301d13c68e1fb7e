import type { OwnChannels } from './channels/own-channels.ts';
import { unsignedAlive } from './membership/own-alive.ts';
import type { OwnPeer } from './own-peer.ts';
import type { ChannelMember, Member, PeerView } from './peers.ts';

export interface OwnViewParts {
  readonly peer: OwnPeer;
  readonly channels: OwnChannels;
}

/** A peer that knows of nobody but itself. */
export class OwnView implements PeerView {
  readonly #parts: OwnViewParts;
  readonly #self: Member;

  constructor(parts: OwnViewParts) {
    this.#parts = parts;
    const { peer } = parts;
    this.#self = {
      pkiId: peer.pkiId,
      mspId: peer.mspId,
      identity: peer.identity,
      endpoint: peer.endpoint,
      internalEndpoint: peer.internalEndpoint,
      alive: { payload: unsignedAlive(peer, 0n), signature: new Uint8Array() },
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
