/** How many peers are given the data of an organisation's own collections. */
export interface Dissemination {
  readonly requiredPeerCount: number;
  readonly maxPeerCount: number;
}

/** `peer.gossip.pvtData.*`; times in milliseconds. */
export interface PrivateDataSettings {
  /** How long a block waits for data that others have; 0: it does not, and they are reconciled later. */
  readonly pullRetryThresholdMs: number;
  /** How long an endorsement waits for the word of each peer that is given data. */
  readonly pushAckTimeoutMs: number;
  /** Others are not asked for data that expires within so many blocks. */
  readonly btlPullMargin: bigint;
  readonly reconciliationEnabled: boolean;
  readonly reconcileSleepMs: number;
  /** Blocks that are asked for at once. */
  readonly reconcileBatchSize: number;
  /** `ledger.pvtdataStore.deprioritizedDataReconcilerInterval`: how often it is asked for what nobody had. */
  readonly deprioritizedMs: number;
  readonly skipPullingInvalid: boolean;
  /** Of this organisation's own implicit collection. */
  readonly implicit: Dissemination;
}

export const DEFAULT_SETTINGS: PrivateDataSettings = {
  pullRetryThresholdMs: 60_000,
  pushAckTimeoutMs: 3_000,
  btlPullMargin: 10n,
  reconciliationEnabled: true,
  reconcileSleepMs: 60_000,
  reconcileBatchSize: 10,
  deprioritizedMs: 60 * 60_000,
  skipPullingInvalid: false,
  implicit: { requiredPeerCount: 0, maxPeerCount: 1 },
};
