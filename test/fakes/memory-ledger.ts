/** A ledger in memory for tests of what stands on the ledger port: real simulations, no commits. */
import { compareUtf8 } from '../../src/common/bytes.ts';
import type { BlockReader, CommittedTransaction, Ledger, TransientStore } from '../../src/ledger/ledger.ts';
import { openSimulator } from '../../src/ledger/simulator/open-simulator.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import type { StateEntry, StateSnapshot, StateValue } from '../../src/ledger/statedb/state.ts';
import type { common } from '../../src/protos/messages.ts';

/** Committed values by namespace and key. A snapshot is a copy. */
export class MemoryState {
  readonly #values = new Map<string, StateValue>();
  openSnapshots = 0;

  put(namespace: string, key: string, value: Uint8Array, version: readonly [block: bigint, tx: bigint]): void {
    this.#values.set(`${namespace}\0${key}`, { value, version: { blockNum: version[0], txNum: version[1] } });
  }

  snapshot(): StateSnapshot {
    const values = new Map(this.#values);
    let open = true;
    this.openSnapshots += 1;
    const get = (namespace: string, key: string) => values.get(`${namespace}\0${key}`);
    return {
      savepoint: undefined,
      get,
      getMany: (namespace, keys) => keys.map((key) => get(namespace, key)),
      range: (namespace, start, end) => iteratorOver(entriesOf(values, namespace, start, end)),
      [Symbol.dispose]: () => {
        if (open) this.openSnapshots -= 1;
        open = false;
      },
    };
  }
}

function entriesOf(values: ReadonlyMap<string, StateValue>, namespace: string, start: string, end: string): readonly StateEntry[] {
  const prefix = `${namespace}\0`;
  const all = [...values].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key: key.slice(prefix.length), ...value }));
  const inside = ({ key }: StateEntry) => compareUtf8(key, start) >= 0 && (end === '' || compareUtf8(key, end) < 0);
  return all.filter(inside).sort((a, b) => compareUtf8(a.key, b.key));
}

const iteratorOver = (entries: readonly StateEntry[]) => {
  const iterator = entries[Symbol.iterator]();
  const next = (): StateEntry | undefined => {
    const step = iterator.next();
    return step.done ? undefined : step.value;
  };
  return { next, [Symbol.dispose]: () => undefined };
};

const unused = (what: string) => (): never => {
  throw new Error(`${what} is not part of this fake`);
};

/** Blocks by number; other look-ups are filled in by the test that needs them. */
export class MemoryBlocks implements BlockReader {
  readonly list: common.Block[] = [];
  readonly hashes = new Map<string, bigint>();
  readonly transactions = new Map<string, CommittedTransaction>();
  height = 0n;

  info() {
    return { height: this.height, currentBlockHash: new Uint8Array(), previousBlockHash: new Uint8Array() };
  }
  block(number: bigint): common.Block | undefined {
    return this.list.find(({ header }) => header?.number === number);
  }
  blockByHash(hash: Uint8Array): common.Block | undefined {
    const number = this.hashes.get(Buffer.from(hash).toString('hex'));
    return number === undefined ? undefined : this.block(number);
  }
  blockByTxId(txId: string): common.Block | undefined {
    const found = this.transactions.get(txId);
    return found === undefined ? undefined : this.block(found.blockNumber);
  }
  transaction(txId: string): CommittedTransaction | undefined {
    return this.transactions.get(txId);
  }
  hasTransaction(txId: string): boolean {
    return this.transactions.has(txId);
  }
  waitFor = unused('waitFor');
}

export class MemoryLedger implements Ledger {
  readonly channelId: string;
  readonly state = new MemoryState();
  readonly blocks = new MemoryBlocks();
  /** What was kept in the transient store: tx id, height, bytes. */
  readonly kept: { readonly txId: string; readonly height: bigint; readonly rwset: Uint8Array }[] = [];
  /** Called just before a simulation opens. */
  onSimulate: () => void = () => undefined;

  constructor(channelId: string) {
    this.channelId = channelId;
  }

  snapshot(): StateSnapshot {
    return this.state.snapshot();
  }
  async simulate(txId: string): Promise<TxSimulator> {
    this.onSimulate();
    return openSimulator({ channelId: this.channelId, txId, snapshot: this.state.snapshot(), history: undefined });
  }
  readonly transient: TransientStore = {
    put: async (txId, height, rwset) => {
      this.kept.push({ txId, height, rwset });
    },
    get: unused('transient.get'),
    purge: unused('transient.purge'),
  };
  history = unused('history');
  commit = unused('commit');
  reasonFor = () => undefined;
  async [Symbol.asyncDispose](): Promise<void> {}
}
