import type { Spend } from './effort.ts';
import type { JsonValue } from './json-value.ts';

type Order = (a: JsonValue, b: JsonValue, spend?: Spend) => number;

/** Values to look others up in, by an order in which different ones may be equal. */
export class ValueSet {
  readonly #sorted: readonly JsonValue[];
  readonly #compare: Order;
  /** Comparisons that a look-up takes. */
  readonly steps: number;

  constructor(values: readonly JsonValue[], compare: Order) {
    this.#sorted = [...values].sort((a, b) => compare(a, b));
    this.#compare = compare;
    this.steps = 32 - Math.clz32(values.length);
  }

  has(value: JsonValue, spend: Spend): boolean {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const order = this.#compare(this.#sorted[middle] ?? null, value, spend);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }
}
