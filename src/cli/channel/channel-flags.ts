import type { OrdererFlags } from '../flags.ts';

export interface ChannelFlags extends OrdererFlags {
  readonly channelID: string;
  readonly outputBlock?: string;
  readonly bestEffort?: boolean;
}

export interface CreateFlags extends ChannelFlags, FileFlags {
  /** Milliseconds. */
  readonly timeout: number;
  /** Folder of a development network. */
  readonly data?: string;
}

export interface FileFlags {
  readonly file?: string;
}
