/** A ledger in memory for tests of what stands on the ledger port: real simulations, no commits. */
import { compareUtf8, hex } from '../../src/common/bytes.ts';
import type { BlockReader, CommittedTransaction, Ledger, PrivateDataReader, TransientStore } from '../../src/ledger/ledger.ts';
import { openSimulator } from '../../src/ledger/simulator/open-simulator.ts';
import type { TxSimulator } from '../../src/ledger/simulator/tx-simulator.ts';
import { noQueries, type StateEntry, type StateSnapshot, type StateValue } from '../../src/ledger/statedb/state.ts';
import { blockHash } from '../../src/protos/hashes.ts';
import { common } from '../../src/protos/messages.ts';

/** Committed values by namespace and key. A snapshot is a copy. */
export class MemoryState {
  readonly #values = new Map<string, StateValue>();
  openSnapshots = 0;

  put(namespace: string, key: string, value: Uint8Array, version: readonly [block: bigint, tx: bigint]): void {
    this.#values.set(`${namespace}\0${key}`, { value, version: { blockNum: version[0], txNum: version[1] } });
  }

  delete(namespace: string, key: string): void {
    this.#values.delete(`${namespace}\0${key}`);
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
      query: (_namespace, _query, page) => {
        throw noQueries(page);
      },
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

function txIdIn(envelope: Uint8Array): string {
  const { header } = common.Payload.decode(common.Envelope.decode(envelope).payload);
  return common.ChannelHeader.decode(header?.channelHeader ?? new Uint8Array()).txId;
}

/** Blocks that a test adds. */
export class MemoryBlocks implements BlockReader {
  readonly list: common.Block[] = [];
  readonly hashes = new Map<string, bigint>();
  readonly transactions = new Map<string, CommittedTransaction>();
  height = 0n;

  /** Adds a block as a peer delivers it, with every index. */
  add(block: common.Block): void {
    const number = block.header?.number ?? 0n;
    this.list.push(block);
    if (block.header !== undefined) this.hashes.set(hex(blockHash(block.header)), number);
    const flags = block.metadata?.metadata[common.BlockMetadataIndex.TRANSACTIONS_FILTER] ?? new Uint8Array();
    for (const [index, envelope] of (block.data?.data ?? []).entries()) {
      const entry = { envelope, validationCode: flags[index] ?? 0, blockNumber: number, index };
      const txId = txIdIn(envelope);
      if (!this.transactions.has(txId)) this.transactions.set(txId, entry);
    }
    this.height = number + 1n;
  }

  info() {
    const { header } = this.list.at(-1) ?? {};
    const currentBlockHash = header === undefined ? new Uint8Array() : blockHash(header);
    return { height: this.height, currentBlockHash, previousBlockHash: header?.previousHash ?? new Uint8Array() };
  }
  block(number: bigint): common.Block | undefined {
    return this.list.find(({ header }) => header?.number === number);
  }
  blockByHash(hash: Uint8Array): common.Block | undefined {
    const number = this.hashes.get(hex(hash));
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
    each: unused('transient.each'),
    purge: unused('transient.purge'),
  };
  readonly privateData: PrivateDataReader = {
    ofBlock: unused('privateData.ofBlock'),
    missing: unused('privateData.missing'),
    writeSet: unused('privateData.writeSet'),
    isPurged: unused('privateData.isPurged'),
  };
  history = unused('history');
  commit = unused('commit');
  commitOld = unused('commitOld');
  setAside = unused('setAside');
  reviewEligibility = unused('reviewEligibility');
  reasonFor = () => undefined;
  async [Symbol.asyncDispose](): Promise<void> {}
}
