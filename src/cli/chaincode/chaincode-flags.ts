import type { OrdererFlags, PeerFlags, SourceFlags } from '../flags.ts';

interface CallFlags extends PeerFlags {
  readonly channelID: string;
  readonly name: string;
  readonly ctor: string;
  readonly transient?: string;
}

export interface QueryFlags extends CallFlags {
  readonly raw?: boolean;
  readonly hex?: boolean;
}

export interface InvokeFlags extends CallFlags, OrdererFlags {
  readonly waitForEvent?: boolean;
  /** Milliseconds. */
  readonly waitForEventTimeout: number;
  readonly isInit?: boolean;
}

export interface DeployFlags extends SourceFlags, OrdererFlags, PeerFlags {
  readonly channelID: string;
  readonly policy?: string;
  readonly escc?: string;
  readonly vscc?: string;
  readonly collectionsConfig?: string;
}

export interface PackageFlags extends SourceFlags {
  readonly ccPackage?: boolean;
  readonly sign?: boolean;
  readonly instantiatePolicy?: string;
}

export interface ListFlags extends PeerFlags {
  readonly installed?: boolean;
  readonly instantiated?: boolean;
  readonly channelID: string;
}

export interface LogsFlags {
  readonly follow?: boolean;
  readonly tx?: string;
  readonly data?: string;
}
