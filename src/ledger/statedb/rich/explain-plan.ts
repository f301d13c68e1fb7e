import type { Condition } from './condition.ts';
import { indexableFields } from './field-range.ts';
import { goJson } from './go-json.ts';
import type { IndexDefinition } from './index-definition.ts';
import type { JsonValue } from './json-value.ts';
import { PeerRequest } from './peer-request.ts';
import { type ChosenPlan, choosePlan, endKey, indexLabel, startKey } from './plan-query.ts';
import type { QueryOptions } from './query-options.ts';
import type { QueryPlan } from './query-plan.ts';
import { Turns } from './turns.ts';
import { constantFields } from './usable-index.ts';

/**
 * How a query is answered with these indexes, without answering it.
 * @throws {SelvageError} `SIMULATION_FAILED` with the text that the query itself would be refused with
 */
export async function explainQuery(indexes: readonly IndexDefinition[], query: string, limit: number): Promise<QueryPlan> {
  using turns = new Turns();
  const options = (await PeerRequest.read(query, turns)).options({ limit, bookmark: '' });
  return explainPlan(choosePlan(indexes, options), options);
}

/** A plan in words and texts. */
export function explainPlan(plan: ChosenPlan, options: QueryOptions): QueryPlan {
  const { selector, sort } = options;
  const candidates = plan.usability.map(({ index, usable, reason }) => ({ index: indexLabel(index), usable, reason }));
  const chosen = indexLabel(plan.index);
  return {
    selector: goJson(asJson(selector)),
    index: chosen,
    candidates: [...candidates.filter(({ index }) => index === chosen), ...candidates.filter(({ index }) => index !== chosen)],
    range:
      plan.prefix === 'nothing'
        ? undefined
        : { low: goJson(startKey(plan.prefix)), high: goJson(endKey(plan.prefix)), descending: plan.descending },
    indexable: indexableBy(options),
    sort: sort.map(({ name }) => name),
  };
}

/** What an index for a query is made of: fields bound to one value, those of the sort, then all others that it can find documents by. */
export function indexableBy({ selector, sort }: Pick<QueryOptions, 'selector' | 'sort'>): readonly string[] {
  const fields = indexableFields(selector);
  const constants = constantFields(selector);
  return [...new Set([...fields.filter((name) => constants.has(name)), ...sort.map(({ name }) => name), ...fields])];
}

/** A selector in normal form, as JSON again. */
function asJson(condition: Condition): JsonValue {
  switch (condition.kind) {
    case 'everything':
      return new Map();
    case 'and':
    case 'or':
    case 'nor':
      return new Map([[`$${condition.kind}`, condition.of.map(asJson)]]);
    case 'not':
      return new Map([['$not', asJson(condition.of)]]);
    case 'field':
      return new Map([[condition.name, asJson(condition.of)]]);
    case 'nested':
      return new Map([[condition.operator, asJson(condition.of)]]);
    case 'value':
      return new Map([[condition.operator, condition.argument]]);
    case 'text':
      return condition.argument;
  }
}
