import { type Counter, FABRIC_BUCKETS, type Histogram, type Metrics } from './metrics.ts';

/** Values of labels that are kept apart; what comes after them is counted together. Names of what clients make up can be among them. */
const MOST_COMBINATIONS = 1_000;
/** Letters of a value: longer ones are nobody's names, and would stand in every answer of `/metrics`. */
const LONGEST = 256;

/**
 * The metrics of one name, each bound to its labels when it is first used.
 * @example new Labelled(['channel', 'success'], (labels) => metrics.counter('endorser_…', 'What it counts.', labels))
 */
export class Labelled<T> {
  readonly #names: readonly string[];
  readonly #make: (labels: Readonly<Record<string, string>>) => T;
  readonly #bound = new Map<string, T>();

  constructor(names: readonly string[], make: (labels: Readonly<Record<string, string>>) => T) {
    this.#names = names;
    this.#make = make;
  }

  /** @param values one for each name, in their order */
  of(...values: readonly string[]): T {
    if (values.some(({ length }) => length > LONGEST)) return this.of(...values.map((value) => (value.length > LONGEST ? OTHER : value)));
    const key = values.length === 1 ? (values[0] ?? '') : values.join('\u0000');
    const known = this.#bound.get(key);
    if (known !== undefined) return known;
    if (this.#bound.size >= MOST_COMBINATIONS && !values.every((value) => value === OTHER)) return this.of(...values.map(() => OTHER));
    const made = this.#make(Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? ''])));
    this.#bound.set(key, made);
    return made;
  }
}

const OTHER = 'other';

/** Counters of one name, by labels. */
export const counters = (metrics: Metrics, name: string, help: string, labels: readonly string[]): Labelled<Counter> =>
  new Labelled(labels, (bound) => metrics.counter(name, help, bound));

/** Fabric's histograms of one name, by labels, in seconds. */
export const histograms = (metrics: Metrics, name: string, help: string, labels: readonly string[]): Labelled<Histogram> =>
  new Labelled(labels, (bound) => metrics.histogram(name, help, bound, FABRIC_BUCKETS));
