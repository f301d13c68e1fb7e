import { compareUtf8 } from '../../../common/bytes.ts';
import { compareValues } from './compare-values.ts';
import type { Condition } from './condition.ts';
import type { JsonValue } from './json-value.ts';

/** What lies below and above every value. */
export const LOWEST = Symbol('lowest');
export const HIGHEST = Symbol('highest');

export type Bound = JsonValue | typeof LOWEST | typeof HIGHEST;

/** Between which values a field may be, by the conditions on it that an index can serve. */
export type FieldRange = 'empty' | { readonly lowBy: string; readonly low: Bound; readonly high: Bound; readonly highBy: string };

const INDEXABLE = new Set(['$lt', '$lte', '$eq', '$gte', '$gt', '$beginsWith', '$exists']);

/** A condition on a field that an index can serve. */
interface Indexable {
  readonly name: string;
  readonly operator: string;
  readonly argument: JsonValue;
}

/** Fields with a condition that an index can serve, in the order of their bytes: at the top or under `$and`. */
export const indexableFields = (condition: Condition): readonly string[] => [...byField(condition).keys()];

function byField(condition: Condition): ReadonlyMap<string, readonly Indexable[]> {
  const fields = new Map<string, Indexable[]>();
  for (const one of indexable(condition)) {
    const others = fields.get(one.name);
    if (others === undefined) fields.set(one.name, [one]);
    else others.push(one);
  }
  return new Map([...fields].sort(([a], [b]) => compareUtf8(a, b)));
}

function* indexable(condition: Condition): Iterable<Indexable> {
  if (condition.kind === 'and') for (const part of condition.of) yield* indexable(part);
  else if (condition.kind === 'field' && condition.of.kind === 'value' && INDEXABLE.has(condition.of.operator))
    yield { name: condition.name, operator: condition.of.operator, argument: condition.of.argument };
}

/**
 * The range of each indexable field; if one is empty, that field's alone.
 * @see field_ranges in apache/couchdb 3.4, src/mango/src/mango_idx_view.erl
 */
export function fieldRanges(condition: Condition): readonly (readonly [name: string, range: FieldRange])[] {
  const ranges: (readonly [string, FieldRange])[] = [];
  for (const [name, conditions] of byField(condition)) {
    const range = conditions.reduce<FieldRange>(narrowed, { lowBy: '$gt', low: LOWEST, highBy: '$lt', high: HIGHEST });
    if (range === 'empty') return [[name, range]];
    ranges.push([name, range]);
  }
  return ranges;
}

function narrowed(range: FieldRange, { operator, argument }: Indexable): FieldRange {
  if (operator !== '$beginsWith') return narrowedBy(operator, argument, range);
  return narrowedBy('$lte', `${String(argument)}\uffff`, narrowedBy('$gte', argument, range));
}

/** Where an argument lies: below the range, at its low end, inside, at its high end, above. */
type Position = 'min' | 'low' | 'mid' | 'high' | 'max';

function narrowedBy(operator: string, argument: JsonValue, range: FieldRange): FieldRange {
  if (range === 'empty' || !NARROWING.has(operator)) return range;
  const position = positionOf(argument, range);
  const equal: FieldRange = { lowBy: '$eq', low: argument, high: argument, highBy: '$eq' };
  const holdsLow = range.lowBy === '$gte' || range.lowBy === '$eq';
  const holdsHigh = range.highBy === '$lte' || range.highBy === '$eq';
  switch (operator) {
    case '$lt':
      if (position === 'min' || position === 'low') return 'empty';
      return position === 'max' ? range : { ...range, high: argument, highBy: '$lt' };
    case '$lte':
      if (position === 'min') return 'empty';
      if (position === 'low') return holdsLow ? equal : 'empty';
      return position === 'mid' ? { ...range, high: argument, highBy: '$lte' } : range;
    case '$eq':
      if (position === 'mid') return equal;
      return (position === 'low' && holdsLow) || (position === 'high' && holdsHigh) ? equal : 'empty';
    case '$gte':
      if (position === 'max') return 'empty';
      if (position === 'high') return holdsHigh ? equal : 'empty';
      return position === 'mid' ? { ...range, low: argument, lowBy: '$gte' } : range;
    default:
      if (position === 'high' || position === 'max') return 'empty';
      return position === 'min' ? range : { ...range, low: argument, lowBy: '$gt' };
  }
}

const NARROWING = new Set(['$lt', '$lte', '$eq', '$gte', '$gt']);

function positionOf(argument: JsonValue, { low, high }: Exclude<FieldRange, 'empty'>): Position {
  const below = compareBound(argument, low);
  if (below < 0) return 'min';
  if (below === 0) return 'low';
  const above = compareBound(argument, high);
  return above < 0 ? 'mid' : above === 0 ? 'high' : 'max';
}

function compareBound(value: JsonValue, bound: Bound): number {
  if (bound === LOWEST) return 1;
  return bound === HIGHEST ? -1 : compareValues(value, bound as JsonValue);
}
