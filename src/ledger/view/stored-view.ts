import type { queryresult } from '../../protos/messages.ts';
import type { HistoryIndex } from '../history/history-index.ts';
import type { BlockReader, LedgerView } from '../ledger.ts';
import { openSimulator } from '../simulator/open-simulator.ts';
import type { SimulatorOptions } from '../simulator/simulator-parts.ts';
import type { ResultsIterator, TxSimulator } from '../simulator/tx-simulator.ts';
import type { StateSnapshot, StateStore } from '../statedb/state.ts';

export interface StoredViewParts {
  readonly channelId: string;
  readonly blocks: BlockReader;
  readonly state: Pick<StateStore, 'snapshot'>;
  readonly history: HistoryIndex;
  readonly simulator: SimulatorOptions;
}

/** What can be read of a ledger, whoever writes it. It owns nothing. */
export class StoredView implements LedgerView {
  readonly channelId: string;
  readonly blocks: BlockReader;
  readonly #parts: StoredViewParts;

  constructor(parts: StoredViewParts) {
    this.channelId = parts.channelId;
    this.blocks = parts.blocks;
    this.#parts = parts;
  }

  snapshot(): StateSnapshot {
    return this.#parts.state.snapshot();
  }

  simulate(txId: string): TxSimulator {
    const { channelId, history, simulator: options } = this.#parts;
    const snapshot = this.snapshot();
    const below = (snapshot.savepoint?.blockNum ?? -1n) + 1n;
    return openSimulator({
      channelId,
      txId,
      snapshot,
      options,
      history: (namespace, key) => history.query({ namespace, key, below }),
    });
  }

  history(namespace: string, key: string, below?: bigint): ResultsIterator<queryresult.KeyModification> {
    return this.#parts.history.query({ namespace, key, below });
  }
}
