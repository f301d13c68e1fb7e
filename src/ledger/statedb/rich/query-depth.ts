import { beyondBounds } from './refusal.ts';

/** Nesting of a query or an index definition: what works on them later may call itself. */
const MAX_DEPTH = 500;

/** @throws {SelvageError} `SIMULATION_FAILED` with a sentence for JSON, of arrays and maps, that is too deep */
export function checkDepth(value: unknown): void {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) throw beyondBounds(`it is nested more than ${MAX_DEPTH} levels deep`);
    const next: unknown[] = [];
    for (const container of level) {
      for (const part of partsOf(container)) if (typeof part === 'object' && part !== null) next.push(part);
    }
    level = next;
  }
}

function partsOf(value: unknown): Iterable<unknown> {
  if (Array.isArray(value)) return value;
  return value instanceof Map ? value.values() : [];
}
