import type { ChannelMember } from '../gossip/peers.ts';
import type { protos } from '../protos/messages.ts';

/** Who can endorse calls together: of each group so many as one of the layouts says. */
export interface EndorsementPlan {
  readonly groups: ReadonlyMap<string, readonly ChannelMember[]>;
  /** Each: group to number of its peers. */
  readonly layouts: readonly ReadonlyMap<string, number>[];
}

export interface EndorsementPlanner {
  /**
   * @param interest one call with what it calls in turn, collections and key-level policies included
   * @throws {SelvageError} with Fabric's reason, such as `no peer combination can satisfy the endorsement policy`
   */
  plan(channelId: string, interest: protos.ChaincodeInterestInit): Promise<EndorsementPlan>;
}
