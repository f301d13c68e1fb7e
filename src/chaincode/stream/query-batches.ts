import type { MaybePromise } from '../../common/maybe.ts';
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

  async batch(id: string): Promise<Batch> {
    const results: protos.QueryResultBytesInit[] = [];
    if (this.#ahead !== undefined) results.push({ resultBytes: this.#ahead });
    this.#ahead = undefined;
    while (this.#count < this.#limit) {
      const result = await this.#results.next();
      if (result === undefined) break;
      this.#count += 1;
      if (this.#bookmark === undefined && results.length === MAX_BATCH) {
        this.#ahead = result;
        return { response: { results, hasMore: true, id }, last: false };
      }
      results.push({ resultBytes: result });
    }
    return { response: { results, hasMore: false, id, ...(await this.#metadata()) }, last: true };
  }

  async #metadata(): Promise<{ readonly metadata?: Uint8Array }> {
    if (this.#bookmark === undefined) return {};
    const bookmark = await this.#bookmark();
    return { metadata: protos.QueryResponseMetadata.encode({ fetchedRecordsCount: this.#count, bookmark }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#results[Symbol.asyncDispose]();
  }
}

/** The same results, encoded one by one as they are pulled. */
export const encoded = <T>(iterator: ResultsIterator<T>, encode: (result: T) => Uint8Array): ResultsIterator<Uint8Array> => ({
  async next() {
    const result = await iterator.next();
    return result === undefined ? undefined : encode(result);
  },
  [Symbol.asyncDispose]: () => iterator[Symbol.asyncDispose](),
});
