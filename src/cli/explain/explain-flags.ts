import type { PeerFlags } from '../flags.ts';
import type { TargetFlags } from '../targets.ts';

export interface ExplainFlags extends TargetFlags {
  /** '' for the only one that the peer has joined. */
  readonly channelID: string;
  readonly json?: boolean;
  readonly blocks: number;
}

export interface ConflictsFlags extends ExplainFlags {
  readonly from?: bigint;
  readonly to?: bigint;
  readonly since?: Date;
}

export interface DiffFlags extends PeerFlags {
  readonly channelID: string;
  readonly name: string;
  readonly ctor: string;
  readonly transient?: string;
  readonly json?: boolean;
}
