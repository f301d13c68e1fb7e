import type { Condition, NestingOperator, ValueOperator } from './condition.ts';
import { erlangText } from './erlang-text.ts';
import { isArray, type JsonValue } from './json-value.ts';
import { compilePattern } from './pattern/compile-pattern.ts';
import { badRequest, beyondBounds } from './refusal.ts';

/** A selector as a request has it, in normal form. @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text */
export function selectorOf(value: JsonValue): Condition {
  if (!(value instanceof Map)) throw badRequest('invalid_selector_json', `Selector must be a JSON object, not: ${erlangText(value)}`);
  return normalForm(value as ReadonlyMap<string, JsonValue>);
}

/**
 * A selector in CouchDB's normal form: operators checked, names pushed down to the conditions on values and joined, negations pushed
 * down as far as they go.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text
 * @see normalize in apache/couchdb 3.4, src/mango/src/mango_selector.erl
 */
function normalForm(selector: ReadonlyMap<string, JsonValue>): Condition {
  if (selector.size === 0) return { kind: 'everything' };
  const normal = withoutNegation(withJoinedNames(checked(selector, new SelectorBudget()), ''));
  if (normal.kind === 'field' && normal.name === '')
    throw badRequest('invalid_selector', 'One or more conditions is missing a field name.');
  return normal;
}

/** Steps of all patterns of a selector together: more takes too long to be compiled. */
const MAX_INSTRUCTIONS = 50_000;

/** Conditions of a selector: more take too long to be planned. The values of an `$in` are no conditions. */
const MAX_CONDITIONS = 20_000;

/** What one selector may cost. */
class SelectorBudget {
  #left = MAX_INSTRUCTIONS;
  #conditions = 0;

  /** @throws {SelvageError} `SIMULATION_FAILED` for one condition too many */
  count(): void {
    this.#conditions += 1;
    if (this.#conditions > MAX_CONDITIONS) throw beyondBounds(`its selector has more than ${MAX_CONDITIONS} conditions`);
  }

  /** @throws {SelvageError} `SIMULATION_FAILED` for what would take too long */
  compiles(pattern: string): boolean {
    const program = compilePattern(pattern);
    this.#left -= program?.code.length ?? 0;
    if (this.#left < 0) throw beyondBounds('its regular expressions are too many, or too large');
    return program !== undefined;
  }
}

/** Operators and their arguments; names stand where they were. */
function checked(value: JsonValue, budget: SelectorBudget): Condition {
  if (!(value instanceof Map) || value.size === 0) return { kind: 'value', operator: '$eq', argument: value };
  const members = [...(value as ReadonlyMap<string, JsonValue>)];
  const [only] = members;
  if (members.length > 1 || only === undefined)
    return { kind: 'and', of: members.map(([name, argument]) => member(name, argument, budget)) };
  return member(...only, budget);
}

function member(name: string, argument: JsonValue, budget: SelectorBudget): Condition {
  budget.count();
  if (!name.startsWith('$')) return { kind: 'field', name, of: checked(argument, budget) };
  if (UNSUPPORTED.has(name)) throw badRequest('not_supported', `Unsupported operator: ${name}`);
  const operator = OPERATORS.get(name);
  if (operator === undefined) throw badRequest('invalid_operator', `Invalid operator: ${name}`);
  return operator(argument, name, budget);
}

const UNSUPPORTED = new Set(['$where', '$geoWithin', '$geoIntersects', '$near', '$nearSphere']);

type Operator = (argument: JsonValue, name: string, budget: SelectorBudget) => Condition;

const badArgument = (name: string, argument: JsonValue) =>
  badRequest('bad_arg', `Bad argument for operator ${name}: ${erlangText(argument)}`);

const combination =
  (kind: 'and' | 'or' | 'nor'): Operator =>
  (argument, name, budget) => {
    if (!isArray(argument)) throw badArgument(name, argument);
    return { kind, of: argument.map((item) => checked(item, budget)) };
  };

const nesting: Operator = (argument, name, budget) => {
  if (!(argument instanceof Map)) throw badArgument(name, argument);
  return { kind: 'nested', operator: name as NestingOperator, of: checked(argument, budget) };
};

const onValue =
  (fits: (argument: JsonValue, budget: SelectorBudget) => boolean): Operator =>
  (argument, name, budget) => {
    if (!fits(argument, budget)) throw badArgument(name, argument);
    return { kind: 'value', operator: name as ValueOperator, argument };
  };

/** These are no operators to CouchDB with anything but a string. */
const onText =
  (fits: (argument: string, budget: SelectorBudget) => boolean): Operator =>
  (argument, name, budget) => {
    if (typeof argument !== 'string') throw badRequest('invalid_operator', `Invalid operator: ${name}`);
    return onValue(() => fits(argument, budget))(argument, name, budget);
  };

const anything = onValue(() => true);

const OPERATORS = new Map<string, Operator>([
  ['$and', combination('and')],
  ['$or', combination('or')],
  ['$nor', combination('nor')],
  [
    '$not',
    (argument, name, budget) => {
      if (!(argument instanceof Map)) throw badArgument(name, argument);
      return { kind: 'not', of: checked(argument, budget) };
    },
  ],
  ['$elemMatch', nesting],
  ['$allMatch', nesting],
  ['$keyMapMatch', nesting],
  ['$in', onValue(isArray)],
  ['$nin', onValue(isArray)],
  ['$all', onValue(isArray)],
  ['$exists', onValue((argument) => typeof argument === 'boolean')],
  ['$type', onValue((argument) => typeof argument === 'string')],
  ['$mod', onValue((argument) => isArray(argument) && argument.length === 2 && argument.every((item) => typeof item === 'bigint'))],
  ['$size', onValue((argument) => typeof argument === 'bigint' && argument >= 0n)],
  ['$regex', onText((pattern, budget) => budget.compiles(pattern))],
  ['$beginsWith', onText(() => true)],
  ['$lt', anything],
  ['$lte', anything],
  ['$eq', anything],
  ['$ne', anything],
  ['$gte', anything],
  ['$gt', anything],
  [
    '$text',
    (argument, name) => {
      if (argument === null || typeof argument === 'object') throw badArgument(name, argument);
      return { kind: 'text', argument: new Map([['$text', argument]]) };
    },
  ],
  ['$default', (argument) => ({ kind: 'text', argument })],
]);

/** Puts each condition on a value below the one name that leads to it. */
function withJoinedNames(condition: Condition, path: string): Condition {
  switch (condition.kind) {
    case 'and':
    case 'or':
    case 'nor':
      return { kind: condition.kind, of: condition.of.map((part) => withJoinedNames(part, path)) };
    case 'not':
      return { kind: 'not', of: withJoinedNames(condition.of, path) };
    case 'nested':
      return { kind: 'field', name: path, of: { ...condition, of: withJoinedNames(condition.of, '') } };
    case 'field':
      return withJoinedNames(condition.of, path === '' ? condition.name : `${path}.${condition.name}`);
    case 'text':
      if (path === '' && isTextAlone(condition.argument)) return condition;
      throw badRequest('bad_field', `Invalid field normalization on selector: ${erlangText(new Map([['$default', condition.argument]]))}`);
    case 'value':
      return { kind: 'field', name: path, of: condition };
    case 'everything':
      return condition;
  }
}

const isTextAlone = (argument: JsonValue): boolean => argument instanceof Map && argument.size === 1 && argument.has('$text');

function withoutNegation(condition: Condition): Condition {
  switch (condition.kind) {
    case 'not':
      return negated(condition.of);
    case 'nor':
      return { kind: 'and', of: condition.of.map(negated) };
    case 'and':
    case 'or':
      return { kind: condition.kind, of: condition.of.map(withoutNegation) };
    default:
      return condition;
  }
}

const OPPOSITES = new Map<ValueOperator, ValueOperator>([
  ['$lt', '$gte'],
  ['$lte', '$gt'],
  ['$eq', '$ne'],
  ['$ne', '$eq'],
  ['$gte', '$lt'],
  ['$gt', '$lte'],
  ['$in', '$nin'],
  ['$nin', '$in'],
]);

function negated(condition: Condition): Condition {
  switch (condition.kind) {
    case 'not':
      return withoutNegation(condition.of);
    case 'nor':
      return { kind: 'or', of: condition.of.map(withoutNegation) };
    case 'and':
      return { kind: 'or', of: condition.of.map(negated) };
    case 'or':
      return { kind: 'and', of: condition.of.map(negated) };
    case 'field':
      return { ...condition, of: negated(condition.of) };
    case 'text':
      throw badArgument('$not', new Map([['$default', condition.argument]]));
    case 'value': {
      if (condition.operator === '$exists') return { ...condition, argument: condition.argument === false };
      const opposite = OPPOSITES.get(condition.operator);
      return opposite === undefined ? { kind: 'not', of: condition } : { ...condition, operator: opposite };
    }
    default:
      return { kind: 'not', of: condition };
  }
}
