import type { PeerFlags } from '../flags.ts';

export interface ExplainQueryFlags extends PeerFlags {
  readonly channelID: string;
  readonly name: string;
  readonly json?: boolean;
}
