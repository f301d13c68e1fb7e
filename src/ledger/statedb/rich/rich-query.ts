import type { MaybePromise } from '../../../common/maybe.ts';
import type { QueryPage, StateEntry } from '../state.ts';
import type { DocumentSource } from './document-source.ts';
import type { QueryCost } from './query-plan.ts';

/** What opening a rich query takes; `openRichQuery` of `open-rich-query.ts` opens one. */
export interface RichQueryParts {
  /** Read until the query is disposed; stays the caller's. */
  readonly source: DocumentSource;
  /** As chaincode sent it. */
  readonly query: string;
  /** Absent for a query without pages. */
  readonly page?: QueryPage | undefined;
  readonly limits: QueryLimits;
}

/** `ledger.state.totalQueryLimit` and `ledger.state.couchDBConfig.internalQueryLimit`. */
export interface QueryLimits {
  /** Results of one query or page, at most. */
  readonly total: number;
  /** Results of one request to the store, at most: more are fetched by a bookmark. */
  readonly internal: number;
}

/**
 * A rich query that runs: the rows in order, a page of them at a time in memory. It takes turns of the event loop by itself: a scan
 * never holds the loop for long. After disposal nothing more is read.
 */
export interface RichQuery extends Disposable {
  /**
   * The next result; its value is what a peer with CouchDB returns: the document's canonical JSON, or the bytes of a binary one.
   * @throws {SelvageError} `SIMULATION_FAILED` with the text that chaincode sees on such a peer
   */
  next(): MaybePromise<StateEntry | undefined>;
  /** CouchDB's bookmark of the last request; `''` where it gave none, which makes a response without metadata. Asked for at the end. */
  bookmark(): string;
  /** What it has cost so far; undefined before the first request was planned. */
  readonly cost: QueryCost | undefined;
  /** Fields, in order, of an index that would serve it, where it was refused since none has the order that it asks for. */
  readonly missingIndex: readonly string[] | undefined;
}
