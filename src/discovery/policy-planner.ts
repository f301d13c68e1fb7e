import type { Channel, Channels } from '../channel/channel.ts';
import { SelvageError } from '../common/errors.ts';
import type { ChannelMember, PeerView } from '../gossip/peers.ts';
import type { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import { PolicyBudget } from '../msp/policies/policy-budget.ts';
import { protos } from '../protos/messages.ts';
import { type CallTerms, membersAsked, termsOf } from './call-terms.ts';
import type { EndorsementPlan, EndorsementPlanner } from './endorsement-plan.ts';
import { planFor } from './layouts.ts';
import { noPlan } from './no-plan.ts';
import { PeersByPrincipal, type PeersByPrincipalParts } from './peers-by-principal.ts';
import { type WantedSets, wantedSets } from './wanted-sets.ts';

export interface PolicyPlannerParts {
  readonly channels: Channels;
  readonly peers: Pick<PeerView, 'membersOf'>;
  readonly cache: Pick<LifecycleCache, 'find'>;
}

/**
 * Finds endorsers by what the policies of a channel ask for and what peers say of themselves.
 * @see hyperledger/fabric v2.5, discovery/endorsement/endorsement.go
 */
export class PolicyPlanner implements EndorsementPlanner {
  readonly #parts: PolicyPlannerParts;

  constructor(parts: PolicyPlannerParts) {
    this.#parts = parts;
  }

  /** @param budget what looking through policies may cost, where several things are asked in one request */
  async plan(channelId: string, interest: protos.ChaincodeInterestInit, budget = new PolicyBudget()): Promise<EndorsementPlan> {
    const channel = this.#channel(channelId);
    const calls = await this.#calls(channel, interest);
    if (calls.length === 0) throw new SelvageError('MALFORMED', 'chaincode interest must contain at least one chaincode');
    return explained(() => {
      const { msps } = channel.bundle();
      const reachable = this.#parts.peers.membersOf(channelId).filter(({ endpoint }) => endpoint !== '');
      const peers = new PeersByPrincipal(membersOfCollections(calls, reachable, { msps, budget }), { msps, budget });
      const wanted = wantedSets(calls, { usable: (principal) => peers.of(principal).length > 0, budget });
      return planOf(wanted, (sets) => planFor(sets, peers, (peer) => announces(peer, calls)));
    });
  }

  /**
   * The peers of a channel that have all chaincodes of an interest, and may have the data of the collections that it reads; all of them
   * where it names no chaincode. Those that cannot be reached from outside are among them.
   * @throws {SelvageError} `NO_ENDORSEMENT_PLAN` with Fabric's text
   */
  async suitable(channelId: string, interest: protos.ChaincodeInterestInit, budget: PolicyBudget): Promise<readonly ChannelMember[]> {
    const channel = this.#channel(channelId);
    const calls = await this.#calls(channel, interest);
    const ready = this.#parts.peers.membersOf(channelId).filter((peer) => announces(peer, calls));
    return explained(() => membersOfCollections(calls, ready, { msps: channel.bundle().msps, budget }));
  }

  #channel(channelId: string): Channel {
    const channel = this.#parts.channels.get(channelId);
    if (channel !== undefined) return channel;
    throw new SelvageError('CHANNEL_NOT_FOUND', `this peer has not joined channel ${channelId}`, { details: { channel: channelId } });
  }

  async #calls(channel: Channel, interest: protos.ChaincodeInterestInit): Promise<readonly CallTerms[]> {
    const { chaincodes } = protos.ChaincodeInterest.decode(protos.ChaincodeInterest.encode(interest));
    const calls: CallTerms[] = [];
    for (const call of chaincodes) calls.push(await termsOf(channel, call, this.#parts.cache));
    return calls;
  }
}

/** By the sets that Fabric would tell; where there are not the peers for these, by whichever else would do. */
function planOf({ told, all }: WantedSets, planBy: (sets: WantedSets['told']) => EndorsementPlan): EndorsementPlan {
  try {
    return planBy(told);
  } catch (thrown) {
    if (!(thrown instanceof SelvageError) || thrown.code !== 'NO_ENDORSEMENT_PLAN') throw thrown;
    try {
      return planBy(all());
    } catch {
      throw thrown;
    }
  }
}

function membersOfCollections(
  calls: readonly CallTerms[],
  peers: readonly ChannelMember[],
  parts: PeersByPrincipalParts,
): readonly ChannelMember[] {
  const asked = calls.flatMap(membersAsked);
  return asked.length === 0 ? peers : new PeersByPrincipal(peers, parts).members(asked);
}

/** Policies that cannot be read, or combine in too many ways, give no plan. */
function explained<T>(find: () => T): T {
  try {
    return find();
  } catch (thrown) {
    if (thrown instanceof SelvageError && thrown.code === 'MALFORMED') throw noPlan(thrown.message, thrown);
    throw thrown;
  }
}

const announces = ({ chaincodes }: ChannelMember, calls: readonly CallTerms[]): boolean =>
  calls.every(({ call, terms }) => chaincodes.some(({ name, version }) => name === call.name && version === terms.version));
