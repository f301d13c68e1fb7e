import { compareUtf8 } from '../../../common/bytes.ts';
import { SelvageError } from '../../../common/errors.ts';
import { compareValues } from './compare-values.ts';
import type { Condition, NestingOperator, ValueOperator } from './condition.ts';
import { Effort, type Spend } from './effort.ts';
import { equalExactly, equalLoosely } from './exact-equality.ts';
import { BAD_PATH, fieldPath, NOT_FOUND, valueAt } from './field-path.ts';
import { beginsWithClusters } from './grapheme-prefix.ts';
import { isArray, isInteger, isObject, type JsonValue, membersOf } from './json-value.ts';
import type { PatternRuns } from './pattern/pattern-runs.ts';
import { badRequest, refused } from './refusal.ts';
import { RichDocument } from './rich-document.ts';
import { ValueSet } from './value-set.ts';

/** Says of documents whether a selector matches them. */
export class Matcher {
  readonly #selector: Condition;
  readonly #paths = new Map<string, readonly string[]>();
  readonly #sets = new Map<JsonValue, ValueSet>();

  /** @param selector in normal form */
  constructor(selector: Condition) {
    this.#selector = selector;
  }

  /**
   * @throws {SelvageError} CouchDB's refusals that show only when a document is looked at, and one for a document that takes too long
   * @throws {Suspended} while a regular expression has not come to its end; see {@link PatternRuns}
   */
  matches(document: RichDocument, patterns: PatternRuns): boolean {
    return this.#holds(this.#selector, document, { effort: new Effort(), patterns, raw: false });
  }

  #holds(condition: Condition, value: RichDocument | JsonValue, context: Context): boolean {
    context.effort.spend(1);
    switch (condition.kind) {
      case 'everything':
      case 'text':
        return true;
      case 'and':
        return condition.of.every((part) => this.#holds(part, value, context));
      case 'or':
        return condition.of.length === 0 || condition.of.some((part) => this.#holds(part, value, context));
      case 'not':
        return !this.#holds(condition.of, value, context);
      case 'nor':
        throw badRequest('invalid_operator', 'Invalid operator: $nor');
      case 'field':
        return this.#fieldHolds(condition, value, context);
      case 'nested':
        return this.#nestedHolds(condition, plain(value), context);
      case 'value':
        return this.#valueHolds(condition.operator, plain(value), condition.argument, context);
    }
  }

  #fieldHolds({ name, of }: Condition & { kind: 'field' }, value: RichDocument | JsonValue, context: Context): boolean {
    if (name === '') return this.#holds(of, value, context);
    const found = valueAt(value, this.#pathOf(name));
    if (found === BAD_PATH) return false;
    if (found === NOT_FOUND) return of.kind === 'value' && of.operator === '$exists' && of.argument === false;
    return this.#holds(of, found, name === '_id' && !context.raw ? { ...context, raw: true } : context);
  }

  #pathOf(name: string): readonly string[] {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const path = fieldPath(name);
    this.#paths.set(name, path);
    return path;
  }

  /** What goes wrong with an element is no match. */
  #nestedHolds({ operator, of }: Condition & { kind: 'nested' }, value: JsonValue, context: Context): boolean {
    const parts = partsOf(operator, value, context.effort);
    if (parts === undefined || (operator === '$allMatch' && parts.length === 0)) return false;
    const wanted = operator !== '$allMatch';
    try {
      return parts.some((part) => this.#holds(of, part, context) === wanted) === wanted;
    } catch (thrown) {
      if (thrown instanceof SelvageError && 'status' in thrown.details) return false;
      throw thrown;
    }
  }

  #valueHolds(operator: ValueOperator, value: JsonValue, argument: JsonValue, context: Context): boolean {
    switch (operator) {
      case '$lt':
        return compare(value, argument, context) < 0;
      case '$lte':
        return compare(value, argument, context) <= 0;
      case '$eq':
        return compare(value, argument, context) === 0;
      case '$ne':
        return compare(value, argument, context) !== 0;
      case '$gte':
        return compare(value, argument, context) >= 0;
      case '$gt':
        return compare(value, argument, context) > 0;
      case '$in':
        return this.#isIn(value, argument, context);
      case '$nin':
        return !this.#isIn(value, argument, context);
      case '$all':
        return isArray(value) && isArray(argument) && hasAll(value, argument, context);
      case '$exists':
        return argument === true;
      case '$type':
        return typeOf(value) === argument;
      case '$mod':
        return isArray(argument) && isInteger(value) && remainderIs(value, argument);
      case '$size':
        return isArray(value) && BigInt(value.length) === argument;
      case '$regex':
        return typeof value === 'string' && typeof argument === 'string' && context.patterns.found(argument, value);
      case '$beginsWith':
        return typeof value === 'string' && typeof argument === 'string' && beginsWithClusters(value, argument, context.effort);
    }
  }

  #isIn(value: JsonValue, argument: JsonValue, context: Context): boolean {
    if (!isArray(argument) || argument.length === 0) return false;
    const set = this.#setOf(argument, context.raw);
    const values = isArray(value) ? value : [value];
    return values.some((item) => {
      context.effort.spend(set.steps + weight(item));
      return set.has(item, context.effort.spend);
    });
  }

  #setOf(argument: readonly JsonValue[], raw: boolean): ValueSet {
    const known = this.#sets.get(argument);
    if (known !== undefined) return known;
    const set = new ValueSet(argument, raw ? compareRaw : compareValues);
    this.#sets.set(argument, set);
    return set;
  }
}

interface Context {
  readonly effort: Effort;
  readonly patterns: PatternRuns;
  /** Below `_id`: strings in the order of their bytes. */
  readonly raw: boolean;
}

const plain = (value: RichDocument | JsonValue): JsonValue => (value instanceof RichDocument ? value.whole : value);

function partsOf(operator: NestingOperator, value: JsonValue, effort: Effort): readonly JsonValue[] | undefined {
  if (operator !== '$keyMapMatch') return isArray(value) ? value : undefined;
  if (!isObject(value)) return undefined;
  const members = membersOf(value);
  effort.spend(2 * members.length); // they were put into order
  return members.map(([name]) => name);
}

function compare(value: JsonValue, argument: JsonValue, context: Context): number {
  context.effort.spend(weight(value));
  return (context.raw ? compareRaw : compareValues)(value, argument, context.effort.spend);
}

/** Steps that comparing a value is worth: long strings take long. */
const weight = (value: JsonValue): number =>
  typeof value === 'string' ? 1 + (value.length >> 4) : typeof value === 'object' && value !== null ? 8 : 1;

/** Erlang's order of terms, in which an id, which is a string, comes after everything else. */
function compareRaw(value: JsonValue, argument: JsonValue, spend?: Spend): number {
  if (typeof value === 'string') return typeof argument === 'string' ? compareUtf8(value, argument) : 1;
  return compareValues(value, argument, spend);
}

function hasAll(values: readonly JsonValue[], wanted: readonly JsonValue[], { effort }: Context): boolean {
  const [only] = wanted;
  if (only === undefined) return false;
  effort.spend(values.length);
  const contained = wanted.every((item) => {
    effort.spend(values.length);
    return values.some((value) => equalExactly(value, item, effort.spend));
  });
  return contained || (wanted.length === 1 && isArray(only) && equalLoosely(only, values, effort.spend));
}

function typeOf(value: JsonValue): string {
  if (value === null) return 'null';
  if (isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function remainderIs(value: number | bigint, [divisor, remainder]: readonly JsonValue[]): boolean {
  if (typeof divisor !== 'bigint') return false;
  if (divisor === 0n) throw refused({ status: 500, error: 'unknown_error', reason: 'badarith' });
  return BigInt(value) % divisor === remainder;
}
