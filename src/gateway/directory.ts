import type { ChannelMember, PeerView } from '../gossip/peers.ts';
import type { Endorser } from './endorser.ts';

export interface DirectoryParts {
  readonly peers: PeerView;
  /** MSP id of this peer. */
  readonly mspId: string;
  isSystem(chaincode: string): boolean;
  /** Undefined for a member that nobody can reach from here. */
  endorserOf(member: ChannelMember, channelId: string): Endorser | undefined;
}

/**
 * The peers of a channel that can run a chaincode.
 * @see endorsersByOrg and evaluator in hyperledger/fabric v3.1, internal/pkg/gateway/registry.go
 */
export class Directory {
  readonly #parts: DirectoryParts;

  constructor(parts: DirectoryParts) {
    this.#parts = parts;
  }

  /** By MSP id, those with the most blocks first. */
  byOrganization(channelId: string, chaincode: string): ReadonlyMap<string, readonly Endorser[]> {
    const found = new Map<string, Endorser[]>();
    for (const member of this.#able(channelId, chaincode)) {
      const endorser = this.#parts.endorserOf(member, channelId);
      if (endorser === undefined) continue;
      const ofOrg = found.get(endorser.mspId);
      if (ofOrg === undefined) found.set(endorser.mspId, [endorser]);
      else ofOrg.push(endorser);
    }
    return found;
  }

  /** In the order to ask: those of the own organisation, then all others, each by their number of blocks. @param orgs none: any */
  evaluators(channelId: string, chaincode: string, orgs: readonly string[]): readonly Endorser[] {
    const allowed = this.#able(channelId, chaincode).filter(({ mspId }) => orgs.length === 0 || orgs.includes(mspId));
    const own = allowed.filter(({ mspId }) => mspId === this.#parts.mspId);
    const others = allowed.filter(({ mspId }) => mspId !== this.#parts.mspId);
    return [...own, ...others].flatMap((member) => this.#parts.endorserOf(member, channelId) ?? []);
  }

  /** Those with the most blocks first; this peer before others of the same height. */
  #able(channelId: string, chaincode: string): readonly ChannelMember[] {
    const { peers, isSystem } = this.#parts;
    const members = peers.membersOf(channelId);
    return inOrder(isSystem(chaincode) ? members : members.filter(({ chaincodes }) => chaincodes.some(({ name }) => name === chaincode)));
  }
}

/** A copy by height, falling, this peer first among equals. */
export function inOrder(members: readonly ChannelMember[]): readonly ChannelMember[] {
  return [...members].sort((a, b) => (a.height === b.height ? Number(b.self) - Number(a.self) : a.height > b.height ? -1 : 1));
}
