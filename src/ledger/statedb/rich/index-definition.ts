import type { Condition } from './condition.ts';

/** A JSON index as CouchDB understood its definition. */
export interface IndexDefinition {
  /** Without `_design/`. */
  readonly designDocument: string;
  readonly name: string;
  /** The columns as the definition names them: `price.amount`, `a\.b` for a member whose name has a point. May be empty. */
  readonly columns: readonly string[];
  /** Of a partial index: the documents that it holds, in normal form. */
  readonly partialFilter?: Condition | undefined;
}
