import { common } from '../protos/messages.ts';
import type { DuplicateTxId } from './blockstore/block-index.ts';
import { CONFIG_KEY } from './commit/transaction.ts';
import type { HistoryOrder } from './history/history-index.ts';
import type { StateUpdate } from './statedb/state.ts';

/** What a Fabric release does on its own ledger, where nobody else can see the difference but its chaincodes and clients. */
export interface Compatibility {
  /** Slots of a block's metadata, at least. */
  readonly metadataSlots: number;
  /** Whether blocks get a commit hash in slot 4. */
  readonly commitHash: boolean;
  readonly historyOrder: HistoryOrder;
  readonly duplicates: DuplicateTxId;
  /** The state entry of the channel's configuration, made from that of 2.x. */
  readonly configEntry: (update: StateUpdate) => StateUpdate;
}

/** Which Fabric release the ledger of a channel behaves like. */
export type FabricRelease = '1.1' | '2.x';

export const COMPATIBILITY: Readonly<Record<FabricRelease, Compatibility>> = {
  '1.1': {
    metadataSlots: 4,
    commitHash: false,
    historyOrder: 'oldest-first',
    duplicates: 'last',
    configEntry: (update) => ({
      ...update,
      key: 'resourcesconfigtx.CHANNEL_CONFIG_KEY',
      value: update.value && { ...update.value, value: configOf(update.value.value) },
    }),
  },
  '2.x': { metadataSlots: 5, commitHash: true, historyOrder: 'newest-first', duplicates: 'first', configEntry: (update) => update },
};

/** 1.1 keeps the `Config`, 2.x the `ConfigEnvelope` around it. */
function configOf(envelope: Uint8Array): Uint8Array {
  const { config } = common.ConfigEnvelope.decode(envelope);
  return config === undefined ? new Uint8Array(0) : common.Config.encode(config);
}

/** The updates of a block as a release writes them. */
export const releaseUpdates = (updates: readonly StateUpdate[], { configEntry }: Compatibility): readonly StateUpdate[] =>
  updates.map((update) => (update.namespace === '' && update.key === CONFIG_KEY ? configEntry(update) : update));
