import type { queryresult } from '../../protos/messages.ts';
import type { StateSnapshot } from '../statedb/state.ts';
import type { ResultsIterator } from './tx-simulator.ts';

/** Committed values of one key, in the ledger's order. */
export type HistoryReader = (namespace: string, key: string) => ResultsIterator<queryresult.KeyModification>;

export interface SimulatorOptions {
  /**
   * Most results of one query, over all its batches (`ledger.state.totalQueryLimit`). An iterator that reached it answers
   * `undefined` without having seen the end. No limit without it, as in Fabric 1.1.
   */
  readonly totalQueryLimit?: number | undefined;
}

export interface SimulatorParts {
  readonly channelId: string;
  readonly txId: string;
  /** Owned by the simulator from here on: it disposes it, after every iterator on it. */
  readonly snapshot: StateSnapshot;
  /** Undefined where the ledger keeps no history. */
  readonly history: HistoryReader | undefined;
  readonly options?: SimulatorOptions | undefined;
}
