import { compareUtf8 } from '../../src/common/bytes.ts';
import type {
  Beside,
  Savepoint,
  StateEntry,
  StateIterator,
  StateQuery,
  StateSnapshot,
  StateStore,
  StateUpdate,
  StateValue,
} from '../../src/ledger/statedb/state.ts';

type Namespaces = ReadonlyMap<string, ReadonlyMap<string, StateValue>>;

/** State in plain maps, for tests and for trying things out. A commit copies the namespaces it touches. */
export class MemoryState implements StateStore {
  #namespaces: Namespaces = new Map();
  #savepoint: Savepoint | undefined;
  readonly queryFor = (key: string): string => `value of ${key}`;
  /** Snapshots and iterators that were opened and are not yet disposed. */
  readonly open = new Set<Disposable>();

  snapshot(): StateSnapshot {
    const snapshot = new MemorySnapshot(this.#namespaces, this.#savepoint, this.open);
    this.open.add(snapshot);
    return snapshot;
  }

  async commit(updates: readonly StateUpdate[], savepoint: Savepoint, beside?: Beside): Promise<void> {
    const touched = new Map(updates.map(({ namespace }) => [namespace, new Map(this.#namespaces.get(namespace))]));
    for (const { namespace, key, value } of updates) {
      if (value === undefined) touched.get(namespace)?.delete(key);
      else touched.get(namespace)?.set(key, value);
    }
    const namespaces = new Map([...this.#namespaces, ...touched]);
    this.#namespaces = namespaces;
    this.#savepoint = savepoint;
    await beside?.kv.commit(beside.writes);
  }

  /** Everything, by namespace. */
  contents(): Namespaces {
    return this.#namespaces;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class MemorySnapshot implements StateSnapshot {
  readonly savepoint: Savepoint | undefined;
  readonly #namespaces: Namespaces;
  readonly #open: Set<Disposable>;
  readonly #byNamespace = new Map<string, readonly (readonly [string, StateValue])[]>();

  constructor(namespaces: Namespaces, savepoint: Savepoint | undefined, open: Set<Disposable>) {
    this.#namespaces = namespaces;
    this.savepoint = savepoint;
    this.#open = open;
  }

  get(namespace: string, key: string): StateValue | undefined {
    this.#mustBeOpen();
    return this.#namespaces.get(namespace)?.get(key);
  }

  getMany(namespace: string, keys: readonly string[]): (StateValue | undefined)[] {
    return keys.map((key) => this.get(namespace, key));
  }

  range(namespace: string, start: string, end: string): StateIterator {
    this.#mustBeOpen();
    const entries = this.#sorted(namespace)
      .filter(([key]) => compareUtf8(key, start) >= 0 && (end === '' || compareUtf8(key, end) < 0))
      .values();
    const iterator: StateIterator = {
      next: (): StateEntry | undefined => {
        this.#mustBeOpen();
        if (!this.#open.has(iterator)) throw new Error('the iterator is closed');
        const found = entries.next().value;
        return found && { key: found[0], ...found[1] };
      },
      [Symbol.dispose]: () => {
        this.#mustBeOpen();
        this.#open.delete(iterator);
      },
    };
    this.#open.add(iterator);
    return iterator;
  }

  /** Finds values that contain the query as text; a bookmark is the last key of the page before. */
  query(namespace: string, query: string, { size, bookmark } = { size: Number.POSITIVE_INFINITY, bookmark: '' }): StateQuery {
    const cursor = this.range(namespace, bookmark === '' ? '' : `${bookmark}\0`, '');
    let last = '';
    let given = 0;
    const next = async (): Promise<StateEntry | undefined> => {
      for (let entry = await cursor.next(); entry !== undefined && given < size; entry = await cursor.next()) {
        if (!Buffer.from(entry.value).includes(query)) continue;
        [last, given] = [entry.key, given + 1];
        return entry;
      }
      return undefined;
    };
    return { next, bookmark: () => last, [Symbol.dispose]: () => cursor[Symbol.dispose]() };
  }

  [Symbol.dispose](): void {
    this.#open.delete(this);
  }

  #sorted(namespace: string): readonly (readonly [string, StateValue])[] {
    const known = this.#byNamespace.get(namespace) ?? [...(this.#namespaces.get(namespace) ?? [])].sort(([a], [b]) => compareUtf8(a, b));
    this.#byNamespace.set(namespace, known);
    return known;
  }

  #mustBeOpen(): void {
    if (!this.#open.has(this)) throw new Error('the snapshot is closed');
  }
}
