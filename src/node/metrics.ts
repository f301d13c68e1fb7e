import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../common/metrics.ts';

type Labels = Readonly<Record<string, string>>;

/** Seconds: from a cached read to a slow launch. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Metrics in Prometheus' form. Each part binds its labels once; asking again for a name gives the same metric. */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();

  /** @param options `process` adds what Node knows of this process: memory, event loop, garbage collection */
  constructor({ process = true }: { readonly process?: boolean } = {}) {
    if (process) collectDefaultMetrics({ register: this.#registry });
  }

  counter(name: string, help: string, labels: Labels = {}) {
    const counter = known(this.#counters, name, () => new Counter(this.#options(name, help, labels))).labels(labels);
    return { add: (amount = 1) => counter.inc(amount) };
  }

  gauge(name: string, help: string, labels: Labels = {}) {
    const gauge = known(this.#gauges, name, () => new Gauge(this.#options(name, help, labels))).labels(labels);
    return { set: (value: number) => gauge.set(value), add: (amount: number) => gauge.inc(amount) };
  }

  histogram(name: string, help: string, labels: Labels = {}, buckets: readonly number[] = BUCKETS) {
    const make = () => new Histogram({ ...this.#options(name, help, labels), buckets: [...buckets] });
    const histogram = known(this.#histograms, name, make).labels(labels);
    return { observe: (value: number) => histogram.observe(value) };
  }

  /** What Prometheus scrapes. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #options(name: string, help: string, labels: Labels) {
    return { name, help, labelNames: Object.keys(labels), registers: [this.#registry] };
  }
}

function known<T>(all: Map<string, T>, name: string, make: () => T): T {
  const found = all.get(name);
  if (found !== undefined) return found;
  const made = make();
  all.set(name, made);
  return made;
}
