import { type MaybePromise, whenKnown } from '../../common/maybe.ts';
import type { ResultsIterator } from '../../ledger/simulator/tx-simulator.ts';
import { protos } from '../../protos/messages.ts';

/** Most results in one answer. */
export const MAX_BATCH = 100;

export interface QueryBatchesOptions {
  /** Most results over all batches; what is beyond is cut off silently, as Fabric does (`ledger.state.totalQueryLimit`). */
  readonly limit: number;
  /** Given for a paginated query: one page, whose answer carries the bookmark of the next. */
  readonly bookmark?: (() => MaybePromise<string>) | undefined;
}

/** One batch; after the last one the iterator can be closed. */
export interface Batch {
  readonly response: protos.QueryResponseInit;
  readonly last: boolean;
}

/**
 * Cuts an iterator's results into answers of at most {@link MAX_BATCH}, reading one result ahead, so that exactly 100 results
 * are one batch without `has_more`. What was read ahead counts as read: it shows in the read-write set.
 * @see BuildQueryResponse in hyperledger/fabric v2.5, core/chaincode/query_response_generator.go
 */
export class QueryBatches implements AsyncDisposable {
  readonly #results: ResultsIterator<Uint8Array>;
  readonly #limit: number;
  readonly #bookmark: (() => MaybePromise<string>) | undefined;
  #ahead: Uint8Array | undefined;
  #count = 0;

  /** @param results encoded results; owned from here on */
  constructor(results: ResultsIterator<Uint8Array>, { limit, bookmark }: QueryBatchesOptions) {
    this.#results = results;
    this.#limit = limit;
    this.#bookmark = bookmark;
  }

  /** At once while the results are at hand, as those of a range are. */
  batch(id: string): MaybePromise<Batch> {
    const results: protos.QueryResultBytesInit[] = [];
    if (this.#ahead !== undefined) results.push({ resultBytes: this.#ahead });
    this.#ahead = undefined;
    for (;;) {
      const next = this.#next();
      if (next instanceof Promise) return this.#whenCome(next, results, id);
      const whole = this.#add(next, results, id);
      if (whole !== undefined) return whole;
    }
  }

  /** The rest of a batch of which a result has to be waited for. */
  async #whenCome(next: Promise<Uint8Array | undefined>, results: protos.QueryResultBytesInit[], id: string): Promise<Batch> {
    for (let result = await next; ; result = await this.#next()) {
      const whole = this.#add(result, results, id);
      if (whole !== undefined) return whole;
    }
  }

  #next(): MaybePromise<Uint8Array | undefined> {
    return this.#count < this.#limit ? this.#results.next() : undefined;
  }

  /** The batch, if this result, or that there is none, makes it whole. */
  #add(result: Uint8Array | undefined, results: protos.QueryResultBytesInit[], id: string): MaybePromise<Batch> | undefined {
    if (result === undefined) return this.#lastOf(results, id);
    this.#count += 1;
    if (this.#bookmark === undefined && results.length === MAX_BATCH) {
      this.#ahead = result;
      return { response: { results, hasMore: true, id }, last: false };
    }
    results.push({ resultBytes: result });
    return undefined;
  }

  #lastOf(results: readonly protos.QueryResultBytesInit[], id: string): MaybePromise<Batch> {
    if (this.#bookmark === undefined) return { response: { results, hasMore: false, id }, last: true };
    return whenKnown(this.#bookmark(), (bookmark) => {
      const metadata = protos.QueryResponseMetadata.encode({ fetchedRecordsCount: this.#count, bookmark });
      return { response: { results, hasMore: false, id, metadata }, last: true };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#results[Symbol.asyncDispose]();
  }
}

/** The same results, encoded one by one as they are pulled. */
export const encoded = <T>(iterator: ResultsIterator<T>, encode: (result: T) => Uint8Array): ResultsIterator<Uint8Array> => {
  const unlessOver = (result: T | undefined): Uint8Array | undefined => (result === undefined ? undefined : encode(result));
  return { next: () => whenKnown(iterator.next(), unlessOver), [Symbol.asyncDispose]: () => iterator[Symbol.asyncDispose]() };
};
