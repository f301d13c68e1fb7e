import { concatBytes } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { queryresult } from '../../protos/messages.ts';
import { locationBytes, locationOf } from '../blockstore/block-index.ts';
import type { Location } from '../blockstore/segment-reader.ts';
import { historyOf } from '../commit/history-writes.ts';
import type { HistoryWrite } from '../commit/prepared.ts';
import { readTransaction } from '../commit/transaction.ts';
import type { KvEntry, KvIterator, KvSnapshot, KvStore, KvWrite } from '../kv/kv-store.ts';
import type { ResultsIterator } from '../simulator/tx-simulator.ts';

/** Fabric 2.x answers newest first, 1.1 oldest first. */
export type HistoryOrder = 'newest-first' | 'oldest-first';

/** Reads the envelope bytes at a place in the block files. */
export type ReadEnvelope = (location: Location) => Promise<Uint8Array>;

export interface HistoryParts {
  /** Stays the caller's; the keys of the history begin with `h`. */
  readonly kv: KvStore;
  readonly readEnvelope: ReadEnvelope;
  /** Default `newest-first`. */
  readonly order?: HistoryOrder | undefined;
}

export interface HistoryQuery {
  readonly namespace: string;
  readonly key: string;
  /** Blocks from this number on are not told: what a simulation on an older snapshot must not see. */
  readonly below?: bigint | undefined;
}

/** Who wrote a key, when: for each public write of a valid transaction the place of that transaction. Values stay in the blocks. */
export class HistoryIndex {
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  query(query: HistoryQuery): ResultsIterator<queryresult.KeyModification> {
    const { kv, readEnvelope, order = 'newest-first' } = this.#parts;
    const prefix = prefixOf(query.namespace, query.key);
    const lt = concatBytes(prefix, heightBytes(query.below ?? NO_LIMIT, 0n));
    const snapshot = kv.snapshot();
    const entries = snapshot.range({ gte: prefix, lt, reverse: order === 'newest-first' });
    return new HistoryIterator({ snapshot, entries, readEnvelope, query });
  }
}

const NO_LIMIT = 2n ** 64n - 1n;

/** What {@link HistoryIndex} needs to find these writes; `locations` has the place of each transaction of the block. */
export const historyIndexWrites = (writes: readonly HistoryWrite[], locations: readonly Location[]): KvWrite[] =>
  writes.map(({ namespace, key, version }) => {
    const location = locations[Number(version.txNum)];
    if (location === undefined) throw new SelvageError('INTERNAL', 'a history write of a transaction that is not in the block');
    return { key: concatBytes(prefixOf(namespace, key), heightBytes(version.blockNum, version.txNum)), value: locationBytes(location) };
  });

/** The length before the key keeps keys apart that begin alike. */
function prefixOf(namespace: string, key: string): Uint8Array {
  const head = Buffer.from(`h${namespace}\0`, 'utf8');
  const bytes = Buffer.from(key, 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return concatBytes(head, length, bytes);
}

function heightBytes(blockNum: bigint, txNum: bigint): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(blockNum, 0);
  bytes.writeBigUInt64BE(txNum, 8);
  return bytes;
}

interface IteratorParts {
  readonly snapshot: KvSnapshot;
  readonly entries: KvIterator;
  readonly readEnvelope: ReadEnvelope;
  readonly query: HistoryQuery;
}

class HistoryIterator implements ResultsIterator<queryresult.KeyModification> {
  readonly #parts: IteratorParts;

  constructor(parts: IteratorParts) {
    this.#parts = parts;
  }

  async next(): Promise<queryresult.KeyModification | undefined> {
    const entry: MaybePromise<KvEntry | undefined> = this.#parts.entries.next();
    const found = await entry;
    return found && modification(await this.#parts.readEnvelope(locationOf(found.value)), this.#parts.query);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.entries[Symbol.dispose]();
    this.#parts.snapshot[Symbol.dispose]();
  }
}

const ANY_VERSION = { blockNum: 0n, txNum: 0n };

/** What a transaction did to a key. @throws {SelvageError} `LEDGER_CORRUPT` when it did nothing to it */
function modification(envelope: Uint8Array, { namespace, key }: HistoryQuery): queryresult.KeyModification {
  const { transaction } = readTransaction(envelope);
  const write = transaction && historyOf(transaction, ANY_VERSION).find((each) => each.namespace === namespace && each.key === key);
  if (write === undefined)
    throw new SelvageError('LEDGER_CORRUPT', 'the history names a transaction that did not write the key', { details: { namespace } });
  const { txId, value, timestamp, isDelete } = write;
  return { txId, value, timestamp, isDelete };
}
