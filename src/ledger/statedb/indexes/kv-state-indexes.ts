import type { Logger } from '../../../common/log.ts';
import { Serial } from '../../../common/serial.ts';
import { Pace } from '../../commit/pace.ts';
import type { KvSnapshot, KvStore, KvWrite } from '../../kv/kv-store.ts';
import type { IndexFile, RefusedIndex, StateIndexes, StateUpdate } from '../state.ts';
import { stateKey } from '../state-key.ts';
import { decodeStateValue } from '../state-value.ts';
import { IndexBuilder } from './index-builder.ts';
import { everyDefinition, namespaceOf } from './key-space.ts';
import { nextDefinitions } from './next-definitions.ts';
import { changedRows } from './row-writes.ts';
import { indexesOf, type StoredIndex } from './stored-index.ts';

/** A document costs so many units of {@link Pace} for each of its indexes. */
const UNITS = 10;

/** The indexes of a state in a key-value store: kept with each commit, and built for what was there before. */
export class KvStateIndexes implements StateIndexes, AsyncDisposable {
  readonly #kv: KvStore;
  readonly #log: Logger;
  /** What changes the store is done one after the other: a step of a build waits for a commit, and a commit for no more than a step. */
  readonly #turns = new Serial();
  readonly #builder: IndexBuilder;

  constructor({ kv, log }: { readonly kv: KvStore; readonly log: Logger }) {
    this.#kv = kv;
    this.#log = log;
    this.#builder = new IndexBuilder({ kv, turns: this.#turns, log });
  }

  /** Goes on with what an earlier run of the peer has not finished. */
  start(): void {
    this.#builder.wake();
  }

  /** Runs a commit that also writes the rows of what it changes. */
  commit(updates: readonly StateUpdate[], commit: (rows: readonly KvWrite[]) => Promise<void>): Promise<void> {
    return this.#turns.run(async () => commit(await this.#rows(updates)));
  }

  async #rows(updates: readonly StateUpdate[]): Promise<KvWrite[]> {
    using snapshot = this.#kv.snapshot();
    const [rows, pace] = [[] as KvWrite[], new Pace()];
    for (const { indexes, namespace, key, value: after } of indexedUpdates(snapshot, updates)) {
      const stored = snapshot.get(stateKey(namespace, key));
      for (const row of changedRows(indexes, key, { before: stored && decodeStateValue(stored), after })) rows.push(row);
      const pause = pace.spend(UNITS * indexes.length);
      if (pause !== undefined) await pause;
    }
    return rows;
  }

  async deploy(namespace: string, files: readonly IndexFile[]): Promise<readonly RefusedIndex[]> {
    return this.#turns.run(async () => {
      using snapshot = this.#kv.snapshot();
      const { writes, refused, made, dropped } = nextDefinitions(snapshot, namespace, files);
      if (writes.length > 0) await this.#kv.commit(writes);
      for (const { designDocument, name } of made) this.#log.info('an index is made', { namespace, designDocument, index: name });
      for (const { designDocument, name } of dropped) this.#log.info('an index is dropped', { namespace, designDocument, index: name });
      if (writes.length > 0) this.#builder.wake();
      return refused;
    });
  }

  async namespaces(): Promise<readonly string[]> {
    using snapshot = this.#kv.snapshot();
    using definitions = snapshot.range(everyDefinition);
    const found: string[] = [];
    for (let entry = await definitions.next(); entry !== undefined; entry = await definitions.next()) found.push(namespaceOf(entry.key));
    return found;
  }

  async built(): Promise<void> {
    await this.#builder.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#builder[Symbol.asyncDispose]();
    await this.#turns.idle();
  }
}

/** The updates of namespaces that have indexes; of several of one key the last, as that is the one that stays. */
function indexedUpdates(snapshot: KvSnapshot, updates: readonly StateUpdate[]) {
  const indexesBy = new Map<string, readonly StoredIndex[]>();
  const last = new Map<string, StateUpdate & { readonly indexes: readonly StoredIndex[] }>();
  for (const update of updates) {
    const { namespace, key } = update;
    const indexes = indexesBy.get(namespace) ?? indexesOf(snapshot, namespace);
    indexesBy.set(namespace, indexes);
    if (indexes.length > 0) last.set(`${namespace}\0${key}`, { ...update, indexes });
  }
  return last.values();
}
