import { concatBytes } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import type { KvRange, KvSnapshot } from '../../kv/kv-store.ts';
import { after } from '../../kv/long-keys.ts';
import { EntryScan, stateScan } from '../entry-scan.ts';
import type { DocumentScan, DocumentSource, IndexRange, KeyRange } from '../rich/document-source.ts';
import type { IndexDefinition } from '../rich/index-definition.ts';
import type { StateEntry } from '../state.ts';
import { stateKey, statePrefix } from '../state-key.ts';
import { decodeStateValue } from '../state-value.ts';
import { documentOf, rowsPrefix } from './key-space.ts';
import { MergedScan } from './merged-scan.ts';
import { orderedBounds } from './ordered-bounds.ts';
import { RangeFilter } from './range-filter.ts';
import { SortedScan } from './sorted-scan.ts';
import { indexesOf, isComplete, type StoredIndex } from './stored-index.ts';

/** The documents of a namespace in a snapshot, in the order of their keys or of an index. */
export class KvDocuments implements DocumentSource {
  readonly #kv: KvSnapshot;
  readonly #namespace: string;
  readonly #indexes: readonly StoredIndex[];

  /** @param kv stays the caller's */
  constructor(kv: KvSnapshot, namespace: string) {
    this.#kv = kv;
    this.#namespace = namespace;
    this.#indexes = indexesOf(kv, namespace);
  }

  get indexes(): readonly IndexDefinition[] {
    return this.#indexes.map(({ definition }) => definition);
  }

  get(key: string): StateEntry | undefined {
    const stored = this.#kv.get(stateKey(this.#namespace, key));
    return stored && { key, ...decodeStateValue(stored) };
  }

  documents({ low, high, descending }: KeyRange): DocumentScan {
    const prefix = statePrefix(this.#namespace);
    const gte = concatBytes(prefix, Buffer.from(low ?? '', 'utf8'));
    const lt = high === undefined ? after(prefix) : concatBytes(prefix, Buffer.from(`${high}\0`, 'utf8'));
    return stateScan(this.#kv.range({ gte, lt, reverse: descending }), prefix);
  }

  /**
   * From the rows of the index, those of which no order is stored put in between; while an index is being built, from all documents. Both
   * give the same.
   */
  indexed(definition: IndexDefinition, range: IndexRange): DocumentScan {
    const index = this.#indexes.find((each) => each.definition === definition);
    if (index === undefined) throw new SelvageError('INTERNAL', `there is no index ${definition.designDocument}/${definition.name} here`);
    const filter = new RangeFilter(index.keys, range);
    if (!isComplete(index)) return new SortedScan(this.documents(EVERYTHING), filter, this);
    const { bounds, exact } = orderedBounds(index, range);
    const ordered = this.#rows(bounds);
    const unordered = this.#rows(within(rowsPrefix(index.number, 'unordered')));
    return new MergedScan({ ordered, sorted: new SortedScan(unordered, filter, this), filter, exact });
  }

  #rows(range: KvRange): DocumentScan {
    return new EntryScan(this.#kv.range(range), ({ key, value }) => {
      const document = this.get(documentOf(key, value));
      if (document === undefined) throw new SelvageError('LEDGER_CORRUPT', 'an index has a document that the state has not');
      return document;
    });
  }
}

const EVERYTHING: KeyRange = { low: undefined, high: undefined, descending: false };

const within = (prefix: Uint8Array): KvRange => ({ gte: prefix, lt: after(prefix) });
