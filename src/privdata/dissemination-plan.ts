import { randomInt } from 'node:crypto';
import { type Choose, shuffled } from '../common/shuffled.ts';
import type { ChannelMember } from '../gossip/peers.ts';

export interface DisseminationCounts {
  readonly required: number;
  readonly maximum: number;
}

export interface Receiver {
  readonly member: ChannelMember;
  /** Whether the endorsement fails when it does not say that it has the data. */
  readonly required: boolean;
}

/**
 * Who is given the data of a collection: a peer of each organisation, and then others, up to the maximum; the first ones must take it.
 * @param eligible members of the collection, without this peer
 * @see disseminationPlanForMsg in hyperledger/fabric v2.5, gossip/privdata/distributor.go
 */
export function planDissemination(
  eligible: readonly ChannelMember[],
  { required, maximum }: DisseminationCounts,
  choose: Choose = randomInt,
): readonly Receiver[] {
  const byOrganization = new Map<string, ChannelMember[]>();
  for (const member of eligible) byOrganization.set(member.mspId, [...(byOrganization.get(member.mspId) ?? []), member]);
  const firsts = shuffled([...byOrganization.values()], choose).map((peers) => shuffled(peers, choose));
  const chosen = [
    ...firsts.flatMap(([first]) => first ?? []),
    ...shuffled(
      firsts.flatMap(([, ...others]) => others),
      choose,
    ),
  ];
  return chosen.slice(0, maximum).map((member, at) => ({ member, required: at < required }));
}
