import type { FabricDialect } from '../msp/policies/dialect.ts';
import { common, protos } from '../protos/messages.ts';
import { type Channels, hasLifecycleV20 } from './channel.ts';

/**
 * Whose words a peer refuses in: those of Fabric 1.1 on channels of the legacy lifecycle, those of 2.x on all others. Without a
 * channel, or on one that is not here, it is 2.x as well, unless the peer is in legacy channels alone.
 */
export function dialectOn(channels: Channels, channelId: string): FabricDialect {
  const channel = channels.get(channelId);
  if (channel !== undefined) return hasLifecycleV20(channel) ? '2.x' : '1.1';
  const joined = channels.list();
  return joined.length > 0 && !joined.some(hasLifecycleV20) ? '1.1' : '2.x';
}

/**
 * Whose words and rules hold in the transaction of a proposal: those of its own channel, whatever channels chaincode calls others on,
 * or what a transaction writes would differ from peer to peer.
 */
export function dialectOfProposal(channels: Channels, { proposalBytes }: Pick<protos.SignedProposal, 'proposalBytes'>): FabricDialect {
  const { header } = protos.Proposal.decode(proposalBytes);
  const { channelId } = common.ChannelHeader.decode(common.Header.decode(header).channelHeader);
  return dialectOn(channels, channelId);
}
