import type { JsonValue } from './json-value.ts';

/** Operators that look at a value. */
export type ValueOperator =
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

export type NestingOperator = '$elemMatch' | '$allMatch' | '$keyMapMatch';

/** A selector: `normalForm` makes it of the JSON. */
export type Condition =
  /** The selector `{}`: every document. */
  | { readonly kind: 'everything' }
  /** `nor` is in a normal form only where CouchDB does not expect it, and is an error when it is looked at. */
  | { readonly kind: 'and' | 'or' | 'nor'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** On one field, by its joined name; the empty name is the value itself. */
  | { readonly kind: 'field'; readonly name: string; readonly of: Condition }
  | { readonly kind: 'value'; readonly operator: ValueOperator; readonly argument: JsonValue }
  | { readonly kind: 'nested'; readonly operator: NestingOperator; readonly of: Condition }
  /** CouchDB's internal `$default`, which is legal with `$text` in it alone; true of every document where there is no text index. */
  | { readonly kind: 'text'; readonly argument: JsonValue };
