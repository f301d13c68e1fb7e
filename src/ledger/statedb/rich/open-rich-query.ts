import { SelvageError } from '../../../common/errors.ts';
import type { StateEntry } from '../state.ts';
import { canonicalValue } from './document-json.ts';
import type { DocumentSource } from './document-source.ts';
import { explainPlan, indexableBy } from './explain-plan.ts';
import { type FindAnswer, findDocuments } from './find-documents.ts';
import { goJson } from './go-json.ts';
import type { JsonValue } from './json-value.ts';
import { PeerRequest } from './peer-request.ts';
import { projectFields } from './project-fields.ts';
import type { QueryOptions } from './query-options.ts';
import type { QueryCost } from './query-plan.ts';
import { RichDocument } from './rich-document.ts';
import type { RichQuery, RichQueryParts } from './rich-query.ts';
import { Turns } from './turns.ts';

/**
 * Opens a rich query as a peer with CouchDB runs it: one request after the other, each for as many results as are missing and at most
 * `limits.internal`, from the bookmark of the one before. Nothing is read before the first result is asked for.
 * @see queryScanner in hyperledger/fabric v2.5, statecouchdb/statecouchdb.go
 */
export const openRichQuery = (parts: RichQueryParts): RichQuery => new PagedQuery(parts);

class PagedQuery implements RichQuery {
  readonly #parts: RichQueryParts;
  readonly #turns = new Turns();
  #bookmark: string;
  #answer: FindAnswer | undefined;
  #request: PeerRequest | undefined;
  #options: QueryOptions | undefined;
  #cursor = 0;
  #returned = 0;
  #examined = 0;
  #missingIndex: readonly string[] | undefined;
  readonly #warnings: { readonly query: string; readonly text: string }[] = [];

  constructor(parts: RichQueryParts) {
    this.#parts = parts;
    this.#bookmark = parts.page?.bookmark ?? '';
  }

  async next(): Promise<StateEntry | undefined> {
    if (this.#answer === undefined || this.#cursor >= this.#parts.limits.internal) {
      if (this.#answer?.rows.length === 0) return undefined;
      await this.#fetch();
    }
    const row = this.#answer?.rows[this.#cursor];
    if (row === undefined) return undefined;
    this.#cursor += 1;
    this.#returned += 1;
    return this.#resultOf(row.entry ?? (await this.#read(row.key)));
  }

  bookmark(): string {
    return this.#bookmark;
  }

  get cost(): QueryCost | undefined {
    const plan = this.#answer?.plan;
    if (plan === undefined || this.#options === undefined) return undefined;
    return {
      plan: explainPlan(plan, this.#options),
      documentsExamined: this.#examined,
      warnings: this.#warnings,
      scannedAll: plan.index === undefined && plan.prefix !== 'nothing',
    };
  }

  get missingIndex(): readonly string[] | undefined {
    return this.#missingIndex;
  }

  [Symbol.dispose](): void {
    this.#turns[Symbol.dispose]();
  }

  /** One request, for a page of the results. */
  async #fetch(): Promise<void> {
    const { source, query, page, limits } = this.#parts;
    const missing = page !== undefined && page.size > 0 ? page.size - this.#returned : Number.POSITIVE_INFINITY;
    const additions = { limit: Math.min(missing, limits.internal), bookmark: this.#bookmark };
    this.#request ??= await PeerRequest.read(query, this.#turns);
    this.#options = this.#options === undefined ? this.#request.options(additions) : { ...this.#options, ...additions };
    this.#answer = await this.#find(source, this.#options);
    this.#bookmark = this.#answer.bookmark ?? '';
    this.#cursor = 0;
    this.#examined += this.#answer.documentsExamined;
    if (this.#answer.warning !== undefined) this.#warnings.push({ query: this.#request.text(additions), text: this.#answer.warning });
  }

  async #find(source: DocumentSource, options: QueryOptions): Promise<FindAnswer> {
    try {
      return await findDocuments(source, options, this.#turns);
    } catch (thrown) {
      if (SelvageError.from(thrown).details['error'] === 'no_usable_index') this.#missingIndex = indexableBy(options);
      throw thrown;
    }
  }

  async #read(key: string): Promise<StateEntry> {
    const entry = await this.#parts.source.get(key);
    if (entry === undefined) throw new SelvageError('LEDGER_CORRUPT', 'a document that a query found is not there');
    return entry;
  }

  #resultOf(entry: StateEntry): StateEntry {
    const fields = this.#options?.fields;
    return { ...entry, value: fields === undefined ? canonicalValue(entry.value) : projectedValue(entry, fields) };
  }
}

/** Without what the peer takes out; a document that shows an attachment comes with its bytes. */
function projectedValue(entry: StateEntry, fields: readonly JsonValue[]): Uint8Array {
  const members = new Map(projectFields(new RichDocument(entry), fields));
  if (members.has('_attachments')) return entry.value;
  for (const name of ['_id', '_rev', '~version']) members.delete(name);
  return Buffer.from(goJson(members), 'utf8');
}
