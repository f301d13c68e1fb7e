import type { Ledger } from '../ledger/ledger.ts';
import type { ChannelBundle } from '../msp/channelconfig/channel-bundle.ts';

/** A channel this peer has joined: its ledger and its current configuration. */
export interface Channel {
  readonly id: string;
  readonly ledger: Ledger;
  /** The configuration in force now. Take it once per piece of work: a config block replaces it. */
  bundle(): ChannelBundle;
  /** Set when the channel's commit path stopped for good (config not applicable, ledger broken); reads go on. */
  halted(): Error | undefined;
}

/** The channels of this peer. */
export interface Channels {
  get(channelId: string): Channel | undefined;
  list(): readonly Channel[];
}
