import type { Counter, Gauge, Histogram, Metrics } from '../common/metrics.ts';
import { watchProcess } from './process-metrics.ts';

type Labels = Readonly<Record<string, string>>;

/** Seconds: from a cached read to a slow launch. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Everything under one name: what it is, and its values by their labels. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly series: Map<string, Series>;
}

/** The values of one set of labels. */
interface Series {
  /** False until there is something to say: a series with labels appears with its first value. */
  shown: boolean;
  /** As lines of the text form, without line breaks. */
  lines(): readonly string[];
}

/**
 * Metrics in Prometheus' text form, version 0.0.4. Each part binds its labels once, and what it counts then is a number and no look-up;
 * asking again for a name and labels gives the same series.
 */
export class PrometheusMetrics implements Metrics {
  readonly #families = new Map<string, Family>();
  /** Asked before every scrape. */
  readonly #sources: (() => void)[] = [];

  /** @param options `process` adds what the system and Node know of this process: memory, event loop, garbage collection */
  constructor({ process = true }: { readonly process?: boolean } = {}) {
    if (process) this.#sources.push(watchProcess(this));
  }

  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#series({ name, help, type: 'counter' }, labels, (text) => new NumberSeries(text));
  }

  gauge(name: string, help: string, labels: Labels = {}): Gauge {
    return this.#series({ name, help, type: 'gauge' }, labels, (text) => new NumberSeries(text));
  }

  histogram(name: string, help: string, labels: Labels = {}, buckets: readonly number[] = BUCKETS): Histogram {
    return this.#series({ name, help, type: 'histogram' }, labels, (_, inner) => new HistogramSeries(name, inner, buckets));
  }

  /** What Prometheus scrapes. */
  text(): string {
    for (const ask of this.#sources) ask();
    return [...this.#families.values()].map(textOf).join('\n');
  }

  #series<S extends Series>({ name, help, type }: Omit<Family, 'series'>, labels: Labels, make: (named: string, labels: string) => S): S {
    const family = this.#families.get(name) ?? { name, help, type, series: new Map<string, Series>() };
    this.#families.set(name, family);
    const inner = Object.entries(labels)
      .map(([label, value]) => `${label}="${escaped(value).replaceAll('"', '\\"')}"`)
      .join(',');
    const known = family.series.get(inner);
    if (known !== undefined) return known as S;
    const made = make(inner === '' ? name : `${name}{${inner}}`, inner);
    made.shown = inner === '';
    family.series.set(inner, made);
    return made;
  }
}

class NumberSeries implements Series, Counter, Gauge {
  shown = false;
  readonly #named: string;
  #value = 0;

  constructor(named: string) {
    this.#named = named;
  }

  add(amount = 1): void {
    this.#value += amount;
    this.shown = true;
  }

  set(value: number): void {
    this.#value = value;
    this.shown = true;
  }

  lines(): readonly string[] {
    return [`${this.#named} ${numberText(this.#value)}`];
  }
}

class HistogramSeries implements Series, Histogram {
  shown = false;
  readonly #name: string;
  readonly #labels: string;
  readonly #bounds: readonly number[];
  /** How many fell into each bucket, the last of which has no bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(name: string, labels: string, bounds: readonly number[]) {
    this.#name = name;
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
    this.shown = true;
  }

  lines(): readonly string[] {
    const more = this.#labels === '' ? '' : `,${this.#labels}`;
    const around = this.#labels === '' ? '' : `{${this.#labels}}`;
    let count = 0;
    const buckets = [...this.#bounds, Number.POSITIVE_INFINITY].map((bound, index) => {
      count += this.#counts[index] as number;
      return `${this.#name}_bucket{le="${numberText(bound)}"${more}} ${count}`;
    });
    return [...buckets, `${this.#name}_sum${around} ${numberText(this.#sum)}`, `${this.#name}_count${around} ${count}`];
  }
}

function textOf({ name, help, type, series }: Family): string {
  const lines = [...series.values()].flatMap((each) => (each.shown ? each.lines() : []));
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** Prometheus says `+Inf` where JavaScript says `Infinity`. */
const numberText = (value: number): string => (Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf');
