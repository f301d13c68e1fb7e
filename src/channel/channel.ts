import type { Ledger } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';
import type { BlockFeed } from './block-feed.ts';

/** A channel this peer has joined: its ledger and its current configuration. */
export interface Channel {
  readonly id: string;
  readonly ledger: Ledger;
  /** Its blocks as they are committed. */
  readonly feed: BlockFeed;
  /** The configuration in force now. Take it once per piece of work: a config block replaces it. */
  bundle(): ChannelBundle;
  /** Set when the channel's commit path stopped for good (config not applicable, ledger broken); reads go on. */
  halted(): Error | undefined;
  /** Set while blocks cannot be committed and are tried again, with what stands in the way: a full disk, say. */
  stalled(): Error | undefined;
}

/** Whether the chaincode of a channel is defined by the lifecycle of Fabric 2.x; not where there is no channel. */
export const hasLifecycleV20 = (channel: Channel | undefined): boolean => channel?.bundle().application?.capabilities.lifecycleV20 === true;

/** The channels of this peer. */
export interface Channels {
  get(channelId: string): Channel | undefined;
  list(): readonly Channel[];
}
