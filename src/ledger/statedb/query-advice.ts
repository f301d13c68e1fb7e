import type { Logger } from '../../common/log.ts';
import { LruCache } from '../../common/lru.ts';
import type { MaybePromise } from '../../common/maybe.ts';
import type { QueryCost, QueryPlan } from './rich/query-plan.ts';
import type { RichQuery } from './rich/rich-query.ts';
import type { StateEntry, StateQuery } from './state.ts';

/** What would help a query that no index served. */
export interface QueryAdvice {
  /** Of the state: the chaincode, or `CHAINCODE$$pCOLLECTION`. */
  readonly namespace: string;
  /** As chaincode sent it. */
  readonly query: string;
  /** Undefined for a query that was refused, since no index has the order that it asks for. */
  readonly documentsExamined: number | undefined;
  /** Where the file belongs in the package, and what is in it; undefined where no index helps, since nothing of the query can use one. */
  readonly file: { readonly path: string; readonly content: string } | undefined;
}

/** The longest query that is logged whole. */
const MOST_LOGGED = 1_000;
/** So many shapes of queries and warnings are remembered as told. */
const MOST_REMEMBERED = 1_000;

export interface QueryAdvisorParts {
  readonly log: Logger;
  readonly advise?: ((advice: QueryAdvice) => void) | undefined;
}

/** Tells once what a kind of query would need: the values that it asks for make no difference. */
export class QueryAdvisor {
  readonly #parts: QueryAdvisorParts;
  readonly #told = new LruCache<string, true>(MOST_REMEMBERED);

  constructor(parts: QueryAdvisorParts) {
    this.#parts = parts;
  }

  tell({ namespace, query }: Pick<QueryAdvice, 'namespace' | 'query'>, cost: QueryCost): void {
    const shape = JSON.stringify([namespace, cost.plan.index, cost.plan.indexable, cost.plan.sort]);
    if (cost.scannedAll) this.#advise({ namespace, query }, cost, shape);
    for (const warning of cost.scannedAll ? [] : cost.warnings) {
      if (!this.#isNew(JSON.stringify([shape, warning.text.replaceAll(/\d+/g, '')]))) continue;
      this.#parts.log.warn(`The query [${shortened(warning.query)}] caused the following warning: [${warning.text}]`, { namespace });
    }
  }

  /** A query that CouchDB refuses, too, with a text that names neither the fields nor a file. @param indexable fields that an index needs */
  tellRefused({ namespace, query }: Pick<QueryAdvice, 'namespace' | 'query'>, indexable: readonly string[]): void {
    if (!this.#isNew(JSON.stringify([namespace, 'refused', indexable]))) return;
    const file = indexFileFor(namespace, { indexable });
    const advice = { namespace, query: shortened(query), documentsExamined: undefined, file };
    this.#parts.log.warn('no index has the order that this query asks for: it was refused', {
      namespace,
      query: advice.query,
      ...(file && { index: file.content, path: file.path }),
    });
    this.#parts.advise?.(advice);
  }

  /** In place of CouchDB's own warning, which does not tell which index. A state with no documents tells nothing. */
  #advise({ namespace, query }: Pick<QueryAdvice, 'namespace' | 'query'>, cost: QueryCost, shape: string): void {
    if (cost.documentsExamined === 0 || !this.#isNew(shape)) return;
    const file = indexFileFor(namespace, cost.plan);
    const advice = { namespace, query: shortened(query), documentsExamined: cost.documentsExamined, file };
    const { content: index, path } = file ?? {};
    this.#parts.log.warn('no index serves this query: every document was looked at', {
      namespace,
      query: advice.query,
      documentsExamined: cost.documentsExamined,
      ...(index === undefined ? { help: 'none: the selector names no field that every result has' } : { index, path }),
    });
    this.#parts.advise?.(advice);
  }

  #isNew(what: string): boolean {
    const known = this.#told.get(what) !== undefined;
    this.#told.set(what, true);
    return !known;
  }
}

const shortened = (query: string): string => (query.length > MOST_LOGGED ? `${query.slice(0, MOST_LOGGED)}…` : query);

/** The index that would serve a query like this. */
export function indexFileFor(namespace: string, { indexable }: Pick<QueryPlan, 'indexable'>): QueryAdvice['file'] {
  if (indexable.length === 0) return undefined;
  const name = `index${indexable.map(capitalized).join('')}`.slice(0, 100);
  const collection = namespace.split('$$p')[1];
  const folder = collection === undefined ? 'indexes' : `collections/${collection}/indexes`;
  return {
    path: `META-INF/statedb/couchdb/${folder}/${name}.json`,
    content: JSON.stringify({ index: { fields: indexable }, ddoc: `${name}Doc`, name, type: 'json' }),
  };
}

function capitalized(field: string): string {
  const letters = field.replaceAll(/[^A-Za-z0-9]/g, '');
  return letters.slice(0, 1).toUpperCase() + letters.slice(1);
}

/** A rich query that tells when it is over: what it cost, or which index it misses. */
export class AdvisedQuery implements StateQuery {
  readonly #query: RichQuery;
  readonly #over: (query: Pick<RichQuery, 'cost' | 'missingIndex'>) => void;
  #disposed = false;

  /** @param query owned from here on */
  constructor(query: RichQuery, over: (query: Pick<RichQuery, 'cost' | 'missingIndex'>) => void) {
    this.#query = query;
    this.#over = over;
  }

  next(): MaybePromise<StateEntry | undefined> {
    return this.#query.next();
  }

  bookmark(): string {
    return this.#query.bookmark();
  }

  get cost(): QueryCost | undefined {
    return this.#query.cost;
  }

  get missingIndex(): readonly string[] | undefined {
    return this.#query.missingIndex;
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    const { cost, missingIndex } = this.#query;
    this.#query[Symbol.dispose]();
    this.#over({ cost, missingIndex });
  }
}
