import type { JsonValue } from './json-value.ts';

/** Values to look others up in, by an order in which different ones may be equal. */
export class ValueSet {
  readonly #sorted: readonly JsonValue[];
  readonly #compare: (a: JsonValue, b: JsonValue) => number;
  /** Comparisons that a look-up takes. */
  readonly steps: number;

  constructor(values: readonly JsonValue[], compare: (a: JsonValue, b: JsonValue) => number) {
    this.#sorted = [...values].sort(compare);
    this.#compare = compare;
    this.steps = 32 - Math.clz32(values.length);
  }

  has(value: JsonValue): boolean {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.#compare(this.#sorted[middle] ?? null, value);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }
}
