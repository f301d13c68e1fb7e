import type { msp } from '../../protos/messages.ts';

/** An organisation as a channel configuration names it. */
export interface OrganizationDefinition {
  /** The public side of its MSP: no signing identity. Its `name` is the MSP id. */
  readonly msp: msp.FabricMSPConfigInit;
  /** Name of the config group; the MSP id where it is left out. */
  readonly name?: string;
}

export interface ApplicationOrgDefinition extends OrganizationDefinition {
  readonly anchorPeers?: readonly { readonly host: string; readonly port: number }[];
}

export interface OrdererOrgDefinition extends OrganizationDefinition {
  /** `host:port` of its orderers. */
  readonly endpoints: readonly string[];
}

export interface BatchSettings {
  readonly maxMessageCount: number;
  readonly absoluteMaxBytes: number;
  readonly preferredMaxBytes: number;
  /** As Go writes durations: `2s`, `250ms`. */
  readonly timeout: string;
}

/** Capability levels; '' turns none on. */
export interface CapabilityLevels {
  readonly channel: string;
  readonly orderer: string;
  readonly application: string;
}

/** A channel to be made. An organisation may be in both lists, with the same MSP definition. */
export interface ChannelSpec {
  readonly channelId: string;
  readonly applicationOrgs: readonly ApplicationOrgDefinition[];
  readonly ordererOrgs: readonly OrdererOrgDefinition[];
  readonly capabilities?: CapabilityLevels;
  readonly batch?: BatchSettings;
  /** Peers of 1.x and 2.x take any; those of 3.x follow `etcdraft` and `BFT` alone. `etcdraft` where there are consenters. */
  readonly consensusType?: string;
  /** Nodes of a Raft cluster. */
  readonly consenters?: readonly ConsenterDefinition[];
}

export interface ConsenterDefinition {
  readonly host: string;
  readonly port: number;
  /** PEM: what it shows as server and as client. */
  readonly tlsCertificate: Uint8Array;
}

/** Modern rules all over, with the chaincode lifecycle of 1.x. */
export const LEGACY_LIFECYCLE: CapabilityLevels = { channel: 'V1_4_3', orderer: 'V1_4_2', application: 'V1_4_2' };

/** With the chaincode lifecycle of 2.x and all that Fabric 2.5 knows, purging of private data included. */
export const LIFECYCLE_V2: CapabilityLevels = { channel: 'V2_0', orderer: 'V2_0', application: 'V2_5' };

/** Small blocks soon: what somebody who waits for a transaction wants. Sizes are those of Fabric's sample configuration. */
export const DEV_BATCH: BatchSettings = {
  maxMessageCount: 500,
  absoluteMaxBytes: 10 * 1024 * 1024,
  preferredMaxBytes: 2 * 1024 * 1024,
  timeout: '250ms',
};
