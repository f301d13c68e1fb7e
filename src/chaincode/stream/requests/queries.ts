import { SelvageError } from '../../../common/errors.ts';
import type { MaybePromise } from '../../../common/maybe.ts';
import type { ResultsIterator } from '../../../ledger/simulator/tx-simulator.ts';
import { protos, queryresult } from '../../../protos/messages.ts';
import { encoded, QueryBatches } from '../query-batches.ts';
import { type StateRequest, unmarshal } from './request.ts';
import { requireReadable } from './rules.ts';

/** GET_STATE_BY_RANGE: start inclusive, end exclusive, '' open. A bookmark replaces the start. Collections are never paginated. */
export async function getStateByRange(request: StateRequest): Promise<Uint8Array> {
  const { context, simulator } = request;
  const { startKey, endKey, collection, metadata } = unmarshal(protos.GetStateByRange, request.payload);
  const { namespace } = context.call;
  if (collection !== '') {
    await requireReadable(request, collection);
    return keyValues(request, simulator.getPrivateDataRange(namespace, collection, startKey, endKey));
  }
  const page = pageOf(request, metadata);
  if (page === undefined) return keyValues(request, simulator.getStateRange(namespace, startKey, endKey));
  const results = simulator.getStateRange(namespace, page.bookmark === '' ? startKey : page.bookmark, endKey, page);
  return keyValues(request, results, { limit: page.size, bookmark: () => results.bookmark() });
}

/** GET_QUERY_RESULT. */
export async function getQueryResult(request: StateRequest): Promise<Uint8Array> {
  const { query, collection, metadata } = unmarshal(protos.GetQueryResult, request.payload);
  const { namespace } = request.context.call;
  if (collection !== '') {
    await requireReadable(request, collection);
    return keyValues(request, request.simulator.getPrivateDataQuery(namespace, collection, query));
  }
  const page = pageAsked(metadata);
  const results = request.simulator.query(namespace, query, page); // which goes by the size that was asked for, also beyond the limit
  return keyValues(request, results, page && { limit: limitOf(request, page), bookmark: () => results.bookmark() });
}

/** GET_HISTORY_FOR_KEY: one modification after the other, in the order of the simulator. */
export function getHistoryForKey(request: StateRequest): Promise<Uint8Array> {
  const { key } = unmarshal(protos.GetHistoryForKey, request.payload);
  const history = request.simulator.history(request.context.call.namespace, key);
  return firstBatch(request, encoded(history, queryresult.KeyModification.encode));
}

/** QUERY_STATE_NEXT. @throws {SelvageError} `NOT_FOUND` `query iterator not found` */
export async function queryStateNext(request: StateRequest): Promise<Uint8Array> {
  const { id } = unmarshal(protos.QueryStateNext, request.payload);
  if (request.context.queries.get(id) === undefined) throw new SelvageError('NOT_FOUND', 'query iterator not found');
  return batch(request, id);
}

/** QUERY_STATE_CLOSE: succeeds for any id. */
export async function queryStateClose({ context, payload }: StateRequest): Promise<Uint8Array> {
  const { id } = unmarshal(protos.QueryStateClose, payload);
  await context.queries.close(id);
  return protos.QueryResponse.encode({ hasMore: false, id });
}

interface Page {
  readonly size: number;
  readonly bookmark: string;
}

/** The page asked for; undefined when the request is not paginated, which is when both size and bookmark are unset. */
function pageAsked(metadata: Uint8Array): Page | undefined {
  if (metadata.length === 0) return undefined;
  const { pageSize: size, bookmark } = unmarshal(protos.QueryMetadata, metadata);
  return size === 0 && bookmark === '' ? undefined : { size, bookmark };
}

/** The same with no more results than any query may have. */
function pageOf(request: StateRequest, metadata: Uint8Array): Page | undefined {
  const page = pageAsked(metadata);
  return page && { ...page, size: limitOf(request, page) };
}

const limitOf = ({ parts: { totalQueryLimit } }: StateRequest, { size }: Page): number =>
  size > 0 ? Math.min(size, totalQueryLimit) : totalQueryLimit;

interface Limits {
  readonly limit: number;
  readonly bookmark: () => MaybePromise<string>;
}

const keyValues = (request: StateRequest, results: ResultsIterator<queryresult.KV>, page?: Limits): Promise<Uint8Array> =>
  firstBatch(request, encoded(results, queryresult.KV.encode), page);

async function firstBatch(request: StateRequest, results: ResultsIterator<Uint8Array>, page?: Limits): Promise<Uint8Array> {
  const id = request.parts.newQueryId();
  await request.context.queries.add(id, new QueryBatches(results, page ?? { limit: request.parts.totalQueryLimit }));
  return batch(request, id);
}

/** The next batch of an open query, which is closed when that was the last or reading it failed. */
async function batch({ context: { queries } }: StateRequest, id: string): Promise<Uint8Array> {
  let last = true;
  try {
    const cut = await queries.get(id)?.batch(id);
    last = cut?.last ?? true;
    return protos.QueryResponse.encode(cut?.response ?? { id });
  } finally {
    if (last) await queries.close(id);
  }
}
