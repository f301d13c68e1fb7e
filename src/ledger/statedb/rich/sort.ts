import { erlangReadable } from './erlang-text.ts';
import { isArray, type JsonValue } from './json-value.ts';
import { badRequest } from './refusal.ts';

export interface SortField {
  readonly name: string;
  readonly direction: 'asc' | 'desc';
}

/**
 * The fields of a sort, or the columns of an index, which CouchDB takes for one.
 * @throws {SelvageError} `SIMULATION_FAILED` with CouchDB's text
 */
export function parseSort(value: JsonValue): readonly SortField[] {
  if (!isArray(value)) throw badRequest('invalid_sort_json', `Sort must be an array of sort specs, not: ${erlangReadable(value)}`);
  const fields = value.map(sortField);
  if (new Set(fields.map(({ direction }) => direction)).size > 1)
    throw badRequest('unsupported_mixed_sort', 'Sorts currently only support a single direction for all fields.');
  return fields;
}

function sortField(value: JsonValue): SortField {
  if (typeof value === 'string' && value !== '') return { name: value, direction: 'asc' };
  if (value instanceof Map && value.size === 1) {
    const [name, direction] = [...(value as ReadonlyMap<string, JsonValue>)][0] ?? ['', null];
    if (direction === 'asc' || direction === 'desc') return { name, direction };
  }
  throw badRequest('invalid_sort_field', `Invalid sort field: ${erlangReadable(value)}`);
}
