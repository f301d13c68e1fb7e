import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import type { kvrwset, queryresult } from '../../protos/messages.ts';
import type { StateEntry, StateIterator } from '../statedb/state.ts';
import { QueryReads } from './query-reads.ts';

/**
 * A range scan that remembers what was pulled from it: that, and not what the chaincode consumed, is what the transaction
 * depends on. The end key is the requested one once the end was seen, else the last key handed out.
 * @see resultsItr in hyperledger/fabric v2.5, core/ledger/kvledger/txmgmt/txmgr/query_executor.go
 */
export class RecordedRange implements Disposable {
  readonly #namespace: string;
  readonly #startKey: string;
  readonly #requestedEnd: string;
  readonly #cursor: StateIterator;
  readonly #reads = new QueryReads();
  #endKey = '';
  #exhausted = false;
  #lookAhead: MaybePromise<StateEntry | undefined> | undefined;
  #info: kvrwset.RangeQueryInfoInit | undefined;

  constructor({ namespace, start, end, cursor }: { namespace: string; start: string; end: string; cursor: StateIterator }) {
    this.#namespace = namespace;
    this.#startKey = start;
    this.#requestedEnd = end;
    this.#cursor = cursor;
  }

  next(): MaybePromise<queryresult.KV | undefined> {
    return whenKnown(this.#exhausted ? undefined : this.#cursor.next(), (entry) => this.#record(entry));
  }

  /** The key after the last one handed out, '' at the end; looking at it records nothing. Ends the iteration. */
  bookmark(): MaybePromise<string> {
    this.#lookAhead ??= this.#exhausted ? undefined : this.#cursor.next();
    return whenKnown(this.#lookAhead, (entry) => entry?.key ?? '');
  }

  /** What goes into the read-write set; what is pulled later no longer counts. */
  info(): kvrwset.RangeQueryInfoInit {
    this.#info ??= { startKey: this.#startKey, endKey: this.#endKey, itrExhausted: this.#exhausted, ...this.#reads.finish() };
    return this.#info;
  }

  [Symbol.dispose](): void {
    this.#cursor[Symbol.dispose]();
  }

  #record(entry: StateEntry | undefined): queryresult.KV | undefined {
    if (entry === undefined) {
      this.#exhausted = true;
      this.#endKey = this.#requestedEnd;
      return undefined;
    }
    this.#endKey = entry.key;
    this.#reads.add({ key: entry.key, version: entry.version });
    return { namespace: this.#namespace, key: entry.key, value: entry.value };
  }
}
