import type { OwnChannels } from './channels/own-channels.ts';
import type { Presences } from './channels/presence.ts';
import type { IdentityStore } from './identities/identity-store.ts';
import type { KnownMember, MemberTable } from './membership/member-table.ts';
import type { OwnAlive } from './membership/own-alive.ts';
import type { OwnPeer } from './own-peer.ts';
import type { ChannelMember, Member, PeerView } from './peers.ts';

export interface GossipViewParts {
  readonly peer: OwnPeer;
  readonly own: OwnAlive;
  readonly identities: Pick<IdentityStore, 'list'>;
  readonly table: MemberTable;
  readonly channels: OwnChannels;
  readonly presences: Pick<Presences, 'get'>;
}

/** Who there is, by what gossip knows at the moment that somebody asks. */
export class GossipView implements PeerView {
  readonly #parts: GossipViewParts;
  readonly #listeners = new Set<() => void>();
  #members: { readonly of: readonly KnownMember[]; readonly views: readonly Member[] } | undefined;

  constructor(parts: GossipViewParts) {
    this.#parts = parts;
  }

  members(): readonly Member[] {
    return [this.#self(), ...this.#others()];
  }

  membersOf(channelId: string): readonly ChannelMember[] {
    const { channels, presences, table } = this.#parts;
    const own = channels.get(channelId)?.current();
    if (own === undefined) return [];
    const { stateInfo, height, chaincodes } = own;
    const found: ChannelMember[] = [{ ...this.#self(), stateInfo, height, chaincodes }];
    const alive = table.alive();
    for (const [at, view] of this.#others().entries()) {
      const member = alive[at];
      const state = member && presences.get(channelId)?.stateOf(member);
      if (state !== undefined)
        found.push({ ...view, stateInfo: state.received.signed, height: state.height, chaincodes: state.chaincodes });
    }
    return found;
  }

  organizations(): readonly string[] {
    return [...new Set(this.#parts.identities.list().map(({ mspId }) => mspId))];
  }

  onChanged(listener: () => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #self(): Member {
    const { peer, own } = this.#parts;
    const { pkiId, mspId, identity, endpoint, internalEndpoint } = peer;
    const alive = { payload: own.unsigned(), signature: new Uint8Array() };
    return { pkiId, mspId, identity, endpoint, internalEndpoint, alive, self: true };
  }

  /** In the order of the table. */
  #others(): readonly Member[] {
    const alive = this.#parts.table.alive();
    if (this.#members?.of !== alive) this.#members = { of: alive, views: alive.map(memberOf) };
    return this.#members.views;
  }
}

const memberOf = ({ pkiId, mspId, identity, endpoint, internalEndpoint, alive }: KnownMember): Member => ({
  pkiId,
  mspId,
  identity,
  endpoint,
  internalEndpoint,
  alive: alive.signed,
  self: false,
});
