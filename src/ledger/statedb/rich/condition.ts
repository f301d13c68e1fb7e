import type { JsonValue } from './json-value.ts';

/** Operators that look at the value of a field. */
export type FieldOperator =
  | '$lt'
  | '$lte'
  | '$eq'
  | '$ne'
  | '$gte'
  | '$gt'
  | '$in'
  | '$nin'
  | '$all'
  | '$exists'
  | '$type'
  | '$mod'
  | '$size'
  | '$regex'
  | '$beginsWith';

/** A selector in normal form: what `normalForm` makes of the JSON. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** A condition on one field, by its joined name. */
  | { readonly kind: 'field'; readonly name: string; readonly of: Condition }
  | { readonly kind: 'compare'; readonly operator: FieldOperator; readonly argument: JsonValue }
  | { readonly kind: 'nested'; readonly operator: '$elemMatch' | '$allMatch' | '$keyMapMatch'; readonly of: Condition }
  /** Without a text index: true of every document. */
  | { readonly kind: 'text'; readonly argument: JsonValue }
  /** A negation where CouchDB knows none: an error while matching, which counts as no match inside of arrays. */
  | { readonly kind: 'misplaced'; readonly operator: string; readonly argument: JsonValue };
