import type { Condition } from './condition.ts';
import { isArray, isObject, type JsonValue, membersOf } from './json-value.ts';
import { refused } from './refusal.ts';

/** Whether every one of the fields has to be in a document that matches, by conditions at the top, under `$and` and in all branches of `$or`. */
export function requiresFields(condition: Condition, fields: Iterable<string>): boolean {
  return remaining([condition], new Set(fields)).size === 0;
}

/** Fields that no condition requires. */
function remaining(conditions: readonly Condition[], fields: ReadonlySet<string>): ReadonlySet<string> {
  let left = fields;
  for (const condition of conditions) {
    if (left.size === 0) return left;
    left = without(condition, left);
  }
  return left;
}

function without(condition: Condition, fields: ReadonlySet<string>): ReadonlySet<string> {
  switch (condition.kind) {
    case 'and':
      return remaining(condition.of, fields);
    case 'or':
      return new Set(condition.of.flatMap((branch) => [...remaining([branch], fields)]));
    case 'field': {
      const { of, name } = condition;
      if (!fields.has(name) || (of.kind === 'value' && of.operator === '$exists' && of.argument === false)) return fields;
      return new Set([...fields].filter((field) => field !== name));
    }
    default:
      return fields;
  }
}

/** Fields that are bound to one value, at the top or under `$and`. */
export const constantFields = (condition: Condition): ReadonlySet<string> => new Set(constants(condition));

function* constants(condition: Condition): Iterable<string> {
  if (condition.kind === 'and') for (const part of condition.of) yield* constants(part);
  else if (condition.kind === 'field' && condition.of.kind === 'value' && condition.of.operator === '$eq') yield condition.name;
}

/** Whether an index with these columns has documents in the order of a sort. */
export function canSort(columns: readonly string[], sort: readonly string[], selector: Condition): boolean {
  if (sort.length === 0) return true;
  const bound = constantFields(selector);
  for (const [at, column] of columns.entries()) {
    if (column === sort[0]) return sort.every((name, place) => columns[at + place] === name);
    if (!bound.has(column)) return false;
  }
  return false;
}

/**
 * Whether it is a search that needs a text index. CouchDB looks at values as if they were conditions, and fails at some.
 * @throws {SelvageError} CouchDB's `function_clause`
 * @see is_text_search in apache/couchdb 3.4, src/mango/src/mango_idx_view.erl
 */
export function isTextSearch(condition: Condition): boolean {
  switch (condition.kind) {
    case 'everything':
      return false;
    case 'text':
      return true;
    case 'and':
    case 'or':
    case 'nor':
      return condition.of.some(isTextSearch);
    case 'value':
      return holdsText(condition.argument);
    default:
      return isTextSearch(condition.of);
  }
}

/** What an operator or a member has: lists and objects are looked into, anything else is not. */
function holdsText(value: JsonValue): boolean {
  if (isArray(value)) return value.some(looksLikeText);
  return isObject(value) && looksLikeText(value);
}

function looksLikeText(value: JsonValue): boolean {
  if (value === null || isArray(value)) throw refused({ status: 500, error: 'unknown_error', reason: 'function_clause' });
  if (!isObject(value)) return false;
  const members = membersOf(value);
  if (members.length > 1) throw refused({ status: 500, error: 'unknown_error', reason: 'function_clause' });
  const [only] = members;
  if (only === undefined) return false;
  return only[0] === '$default' || holdsText(only[1]);
}
