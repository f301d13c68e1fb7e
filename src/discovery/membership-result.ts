import type { ChannelMember, Member } from '../gossip/peers.ts';
import type { discovery } from '../protos/messages.ts';

/** A peer as clients see it: who it is, and that it is alive, in its own words with its signature. */
export const peerOf = ({ alive, identity }: Member): discovery.PeerInit => ({ membershipInfo: alive, identity });

/** The same with what it says of the channel. */
export const channelPeerOf = (peer: ChannelMember): discovery.PeerInit => ({ stateInfo: peer.stateInfo, ...peerOf(peer) });

/**
 * Peers by their organisations; one of which there is no such peer has an empty list. Peers that are not to be reached from outside their
 * organisation are nobody's business.
 * @see computeMembership in hyperledger/fabric v2.5, discovery/service.go
 */
export function membershipResult<T extends Member>(
  peers: readonly T[],
  { organizations, shown }: { readonly organizations: readonly string[]; readonly shown: (peer: T) => discovery.PeerInit },
): discovery.PeerMembershipResultInit {
  const byOrganization = new Map<string, discovery.PeerInit[]>(organizations.map((mspId) => [mspId, []]));
  for (const peer of peers) {
    if (peer.endpoint === '') continue;
    const others = byOrganization.get(peer.mspId) ?? [];
    byOrganization.set(peer.mspId, [...others, shown(peer)]);
  }
  return { peersByOrg: new Map([...byOrganization].map(([mspId, all]) => [mspId, { peers: all }])) };
}
