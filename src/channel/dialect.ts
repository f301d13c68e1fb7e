import type { FabricDialect } from '../msp/policies/dialect.ts';
import { common, protos } from '../protos/messages.ts';
import type { Channel, Channels } from './channel.ts';

/** Application capabilities that peers of 1.1 have. A channel with any other is one of newer peers alone. */
const LEVELS_OF_1: ReadonlySet<string> = new Set(['', 'V1_1']);

const isOf1 = (channel: Channel): boolean => LEVELS_OF_1.has(channel.bundle().application?.capabilities.level ?? '');

/**
 * Whose words a peer refuses in: those of Fabric 1.1 on channels that peers of 1.1 can be on, those of 2.x on all others. Without
 * a channel, or on one that is not here, it is 2.x as well, unless the peer is on channels of 1.1 alone.
 */
export function dialectOn(channels: Channels, channelId: string): FabricDialect {
  const channel = channels.get(channelId);
  if (channel !== undefined) return isOf1(channel) ? '1.1' : '2.x';
  const joined = channels.list();
  return joined.length > 0 && joined.every(isOf1) ? '1.1' : '2.x';
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
