/** Why an index is used or not, for people: `selvage query explain` prints it. */
export interface IndexCandidate {
  /** `design document/name`, or `_all_docs`. */
  readonly index: string;
  readonly usable: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** How a query is answered: `selvage query explain` shows it, advice is made from it. */
export interface QueryPlan {
  /** The selector in normal form, as JSON text. */
  readonly selector: string;
  /** The chosen index, `design document/name`, or `_all_docs`. */
  readonly index: string;
  /** Every index of the namespace and `_all_docs`, the chosen one first. */
  readonly candidates: readonly IndexCandidate[];
  /** What is read of the index, as JSON texts of the bounds; undefined if nothing is, since no document can match. */
  readonly range: { readonly low: string; readonly high: string; readonly descending: boolean } | undefined;
  /** Fields that an index could find documents by, those bound to one value first, then the sort fields, then those in a range. */
  readonly indexable: readonly string[];
  readonly sort: readonly string[];
}

/** What a query cost, for logs and advice. */
export interface QueryCost {
  readonly plan: QueryPlan;
  /** Documents that the scans looked at. */
  readonly documentsExamined: number;
  /** CouchDB's warnings, one for each request that had one: the rewritten query and the text, as Fabric logs them. */
  readonly warnings: readonly { readonly query: string; readonly text: string }[];
  /** Whether no index served it, so that every document was looked at. */
  readonly scannedAll: boolean;
}
