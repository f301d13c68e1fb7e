import type { common } from '../../protos/messages.ts';
import type { IdentityDeserializer } from '../identity.ts';
import type { EnumerablePolicy } from '../policies/identity-policy.ts';
import type { Policy, PolicyManager } from '../policies/policy.ts';

/** What the application capabilities of a channel turn on. Each level implies the ones below. */
export interface ApplicationCapabilities {
  /** The highest named level: '' (none), 'V1_1', 'V1_2', 'V1_3', 'V1_4_2', 'V2_0', 'V2_5'. */
  readonly level: string;
  /** Duplicate tx ids inside a block are invalid; a new instantiation policy is checked at upgrade (V1_1). */
  readonly v11Validation: boolean;
  readonly v12Validation: boolean;
  readonly v13Validation: boolean;
  readonly v20Validation: boolean;
  readonly privateChannelData: boolean;
  readonly collectionUpgrade: boolean;
  readonly keyLevelEndorsement: boolean;
  readonly acls: boolean;
  readonly storePvtDataOfInvalidTx: boolean;
  readonly lifecycleV20: boolean;
  readonly purgePvtData: boolean;
}

export interface ApplicationOrg {
  /** Name of its config group, which may differ from its MSP id. */
  readonly name: string;
  readonly mspId: string;
  readonly anchorPeers: readonly { readonly host: string; readonly port: number }[];
  /** PEM: authorities of its TLS certificates, roots first. */
  readonly tlsRoots: readonly Uint8Array[];
}

/** Where an ordering node is reached, and which authorities issue its TLS certificate (PEM). */
export interface OrdererEndpoint {
  /** `host:port` */
  readonly address: string;
  readonly tlsRoots: readonly Uint8Array[];
}

export interface OrdererConfig {
  readonly consensusType: string;
  readonly batchSize: { readonly maxMessageCount: number; readonly absoluteMaxBytes: number; readonly preferredMaxBytes: number };
  readonly batchTimeoutMs: number;
  readonly capabilityLevel: string;
  /** Checks that the creator's certificate has not expired (orderer capability V1_1 and later). */
  readonly expirationCheck: boolean;
  /** The consensus type is being migrated: only the orderers' own configuration updates are taken. */
  readonly maintenance: boolean;
  readonly orgs: readonly OrdererOrg[];
  /** Who signs blocks by number, from channel capability V3_0 on. */
  readonly consenters: readonly Consenter[];
}

export interface Consenter {
  readonly id: number;
  /** `SerializedIdentity` bytes. */
  readonly identity: Uint8Array;
}

export interface OrdererOrg {
  readonly name: string;
  readonly mspId: string;
  /** `host:port` of its own ordering nodes. */
  readonly endpoints: readonly string[];
  /** PEM: authorities of its TLS certificates, roots first. */
  readonly tlsRoots: readonly Uint8Array[];
}

/** Identities of all organisations of a channel. */
export interface ChannelMsps extends IdentityDeserializer {
  readonly mspIds: readonly string[];
}

/** One configuration of one channel, read once and never changed: the next configuration is another bundle. */
export interface ChannelBundle {
  readonly channelId: string;
  readonly config: common.Config;
  readonly sequence: bigint;
  readonly msps: ChannelMsps;
  readonly policies: PolicyManager;
  readonly channelCapabilityLevel: string;
  readonly application:
    | {
        readonly capabilities: ApplicationCapabilities;
        readonly orgs: readonly ApplicationOrg[];
        readonly acls: ReadonlyMap<string, string>;
      }
    | undefined;
  readonly orderer: OrdererConfig | undefined;
  /**
   * The ordering nodes: those that orderer organisations name, each with the organisation's own authorities; where none does, the
   * channel-wide addresses with the authorities of all orderer organisations.
   */
  readonly ordererEndpoints: readonly OrdererEndpoint[];
  /** Makes a policy from `SignaturePolicyEnvelope` bytes, judged by this channel's MSPs. @throws {SelvageError} `MALFORMED` */
  signaturePolicy(envelope: Uint8Array): Policy;
  /** Makes a policy from `ApplicationPolicy` bytes (2.0 lifecycle and collections). @throws {SelvageError} `MALFORMED` */
  applicationPolicy(policy: Uint8Array): Policy;
  /**
   * The signature policy that says the same as `ApplicationPolicy` bytes, for enumerating who satisfies it; undefined for a reference to
   * a policy that is not there, or that rests on one that is not. @throws {SelvageError} `MALFORMED`
   */
  asSignaturePolicy(policy: Uint8Array): EnumerablePolicy | undefined;
}
