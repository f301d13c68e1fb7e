import type { Logger } from '../../common/log.ts';
import type { KvSnapshot, KvStore } from '../kv/kv-store.ts';
import { documentRules } from './document-rules.ts';
import { prepareCollationKeys } from './indexes/collation-key.ts';
import { KvDocuments } from './indexes/kv-documents.ts';
import { KvStateIndexes } from './indexes/kv-state-indexes.ts';
import { AdvisedQuery, QueryAdvisor, type QueryAdvisorParts } from './query-advice.ts';
import { explainQuery } from './rich/explain-plan.ts';
import { openRichQuery } from './rich/open-rich-query.ts';
import type { QueryPlan } from './rich/query-plan.ts';
import type { QueryLimits } from './rich/rich-query.ts';
import type { DocumentRules, QueryPage, StateQuery } from './state.ts';

/** Settings of rich queries. */
export interface RichQueryOptions extends Pick<QueryAdvisorParts, 'advise'> {
  readonly limits: QueryLimits;
}

export interface RichStateParts extends RichQueryOptions {
  readonly kv: KvStore;
  readonly log: Logger;
}

/** What a state in a key-value store has more when it answers rich queries. */
export class RichState implements AsyncDisposable {
  readonly #parts: RichStateParts;
  readonly indexes: KvStateIndexes;
  readonly documents: DocumentRules = documentRules;
  readonly #advisor: QueryAdvisor;

  /** @param parts the store stays the caller's */
  constructor(parts: RichStateParts) {
    this.#parts = parts;
    this.#advisor = new QueryAdvisor(parts);
    prepareCollationKeys();
    this.indexes = new KvStateIndexes(parts);
    this.indexes.start();
  }

  query(
    kv: KvSnapshot,
    { namespace, query, page }: { readonly namespace: string; readonly query: string; readonly page?: QueryPage | undefined },
  ): StateQuery {
    const { limits } = this.#parts;
    const opened = openRichQuery({ source: new KvDocuments(kv, namespace), query, page, limits });
    return new AdvisedQuery(opened, ({ cost, missingIndex }) => {
      if (missingIndex !== undefined) this.#advisor.tellRefused({ namespace, query }, missingIndex);
      else if (cost !== undefined) this.#advisor.tell({ namespace, query }, cost);
    });
  }

  explain(kv: KvSnapshot, namespace: string, query: string): Promise<QueryPlan> {
    return explainQuery(new KvDocuments(kv, namespace).indexes, query, this.#parts.limits.internal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.indexes[Symbol.asyncDispose]();
  }
}
